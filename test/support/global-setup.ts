// Before the tests with real parts: builds the command, and gives the run a folder that goes with it, also when it is killed.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./paths.js";

/**
 * Vitest calls this once for each project; the second call finds everything done. Returns what vitest calls after the
 * last test. The environment that it sets is that of the test files.
 */
export function setup(): (() => Promise<void>) | undefined {
  if (process.env["VIOLA_BUILT"] === undefined) {
    execFileSync(process.execPath, ["scripts/build.js"], { cwd: ROOT, stdio: "inherit" });
    process.env["VIOLA_BUILT"] = "1";
  }
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
