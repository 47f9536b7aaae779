// Stores the code that V8 compiles from program.js in a folder, with which src/compiled-program.ts
// starts it. V8 compiles a function when it is first called, so a few commands run before.
//   node scripts/compile.js FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { Writable } from "node:stream";
import { Script } from "node:vm";

const COMMANDS = [["images", "nothing.tgz"]];

const file = resolve(process.argv[2], "program.js");
const script = new Script(Module.wrap(readFileSync(file, "utf8")), { filename: file });
const loaded = { exports: {} };
script.runInThisContext()(loaded.exports, createRequire(file), loaded, file, dirname(file));

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
for (const argv of COMMANDS) {
  await loaded.exports.run(argv, {
    stdin: process.stdin,
    stdout: nowhere(),
    stderr: nowhere(),
    env: {},
    cwd: dirname(file),
    home: process.cwd(),
    programCommand: [],
    onInterrupt: () => undefined,
  });
}
writeFileSync(`${file}.code`, script.createCachedData());
