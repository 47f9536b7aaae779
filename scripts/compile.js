// Stores the code that V8 compiles from program.js in a folder, with which src/compiled-program.ts
// starts it. V8 compiles a function when it is first called, so `images` runs before, with a program
// in place of helm that prints rendered objects of the tests.
//   node scripts/compile.js FOLDER
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Script } from "node:vm";
import { createGzip } from "node:zlib";
import tar from "tar-stream";

const RENDERED = "test/fixtures/rendered/operators";

const file = resolve(process.argv[2], "program.js");
const script = new Script(Module.wrap(readFileSync(file, "utf8")), { filename: file });
const loaded = { exports: {} };
script.runInThisContext()(loaded.exports, createRequire(file), loaded, file, dirname(file));

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const folder = mkdtempSync(join(tmpdir(), "viola-compile-"));
try {
  const [chart, helm, settings] = ["chart.tgz", "helm", "settings.yaml"].map((name) => join(folder, name));
  const files = tar.pack();
  files.entry({ name: "chart/Chart.yaml" }, "apiVersion: v2\nname: chart\nversion: 1.0.0\n");
  files.entry({ name: "chart/templates/a.yaml" }, "a: 1\n");
  files.finalize();
  await pipeline(files, createGzip(), createWriteStream(chart));
  const rendered = readdirSync(RENDERED).map((name) => resolve(RENDERED, name, "rendered.yaml"));
  const command = `for file in ${rendered.join(" ")}; do echo ---; cat "$file"; done`;
  writeFileSync(helm, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  writeFileSync(settings, JSON.stringify({ helm }));
  const exitCode = await loaded.exports.run(["images", chart, "--config", settings, "--quiet"], {
    stdin: process.stdin,
    stdout: nowhere(),
    stderr: process.stderr,
    env: {},
    cwd: folder,
    home: process.cwd(),
    programCommand: [],
    onInterrupt: () => undefined,
  });
  if (exitCode !== 0) throw new Error(`images: exit code ${exitCode}`);
} finally {
  rmSync(folder, { recursive: true });
}
writeFileSync(`${file}.code`, script.createCachedData());
