// Replaces cli/program.ts in dist/main.js: loads dist/program.js with the code that V8 compiled from
// it earlier. Compiling would take longer than most commands.
import { readFileSync } from "node:fs";
import Module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";
import type * as program from "./cli/program.js";

type Program = typeof program;

export const { run } = load(join(import.meta.dirname, "program.js"));

/**
 * Loads the module in the file. `npm run build` writes the compiled code to FILE.code. V8 ignores the
 * code of another version. Published packages do not contain it, because users have other versions:
 * there, Node 22.1 and newer keep the compiled code in the user's cache folder.
 */
function load(file: string): Program {
  const require = Module.createRequire(file);
  const cachedData = readCode(`${file}.code`);
  if (cachedData === undefined) {
    keepCompiledCode();
    return require(file) as Program;
  }
  const script = new Script(Module.wrap(readFileSync(file, "utf8")), { filename: file, cachedData });
  const loaded = { exports: {} };
  const evaluate = script.runInThisContext() as (...scope: readonly unknown[]) => void;
  evaluate(loaded.exports, require, loaded, file, import.meta.dirname);
  return loaded.exports as Program;
}

function readCode(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

/**
 * Other users could write to the default folder, which is in that for temporary files. Node ignores
 * a folder that it cannot write to.
 */
function keepCompiledCode(): void {
  const { enableCompileCache } = Module as { enableCompileCache?: (folder: string) => void };
  enableCompileCache?.(join(cacheFolder(), "viola-airgap", "compiled"));
}

function cacheFolder(): string {
  const set = process.env["XDG_CACHE_HOME"];
  if (set !== undefined) return set;
  try {
    return join(homedir(), ".cache");
  } catch {
    // A user without an entry in /etc/passwd.
    return "/.cache";
  }
}
