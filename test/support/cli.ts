// Runs the built command as a user does: in a separate process with a minimal environment.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./paths.js";
import { start, type RunOptions, type RunResult, type Running } from "./run.js";

/**
 * Starts dist/main.js, which the global setup of the tests builds. Its environment is PATH, TMPDIR,
 * a HOME without credentials and settings, and `env`, so that the settings of a developer do not
 * affect tests.
 */
export function startCli(args: readonly string[], { env, ...options }: RunOptions = {}): Running {
  const bare = { PATH: process.env["PATH"], TMPDIR: tmpdir(), HOME: join(tmpdir(), "viola-no-home"), ...env };
  return start(process.execPath, [join(ROOT, "dist/main.js"), ...args], { ...options, env: bare });
}

/** Runs the command to its end. */
export function runCli(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return startCli(args, options).result;
}
