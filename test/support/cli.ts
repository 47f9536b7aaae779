// Runs the command line of this project as a user would: a process of its own, with a bare environment.
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./paths.js";
import { start, type RunOptions, type RunResult, type Running } from "./run.js";

export interface CliOptions extends RunOptions {
  /** `source` (default) runs src/main.ts through tsx; `built` runs dist/main.js, which `npm run build` must have made. */
  readonly entry?: "source" | "built";
}

/**
 * Starts the command. Its environment is PATH, a HOME where no credentials and settings are, and what `env` adds: a developer's own
 * settings change no test.
 */
export function startCli(
  args: readonly string[],
  { entry = "source", env, ...options }: CliOptions = {},
): Running {
  const program =
    entry === "built"
      ? [join(ROOT, "dist/main.js")]
      : [
          "--import",
          pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href,
          join(ROOT, "src/main.ts"),
        ];
  const bare = { PATH: process.env["PATH"], HOME: join(tmpdir(), "viola-no-home"), ...env };
  return start(process.execPath, [...program, ...args], { ...options, env: bare });
}

/** Runs the command to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<RunResult> {
  return startCli(args, options).result;
}
