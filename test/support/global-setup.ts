// Runs before the tests with real parts: builds the command, and creates a folder for the run that
// is removed at its end, also when it is killed.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./paths.js";

/**
 * Vitest calls this once for each project, and the second call does nothing. Returns the function
 * that vitest calls after the last test. Sets the environment of the test files.
 */
export function setup(): (() => Promise<void>) | undefined {
  // An unnecessary build would take time, and change the command of another run in this checkout.
  if (isBuildOld()) execFileSync(process.execPath, ["scripts/build.js"], { cwd: ROOT, stdio: "inherit" });
  if (process.env["VIOLA_RUN"] !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "viola-run-"));
  const afterRun = spawn(join(ROOT, "scripts/parts/after-run.sh"), [folder], {
    detached: true,
    stdio: ["pipe", "inherit", "inherit"],
  });
  process.env["VIOLA_RUN"] = folder;
  process.env["TMPDIR"] = join(folder, "tmp");
  mkdirSync(join(folder, "tmp"));
  return () =>
    new Promise((resolve) => {
      afterRun.once("exit", () => {
        resolve();
      });
      afterRun.stdin.end();
    });
}

/** True when one of the source files was changed after the last build. */
function isBuildOld(): boolean {
  const built = statSync(join(ROOT, "dist/main.js"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  const inputs = [
    ...sources.map((name) => join("src", name)),
    ...readdirSync(join(ROOT, "manifests/operators")).map((name) => join("manifests/operators", name)),
    "scripts/build.js",
    "scripts/third-party-notices.js",
    "package-lock.json",
  ];
  return inputs.some((name) => statSync(join(ROOT, name)).mtimeMs > built);
}
