#!/usr/bin/env node
// Runs the command and sets the exit code. Only this file uses the global process.
import { fileURLToPath } from "node:url";
import { run } from "./cli/program.js";
import type { ProcessEnvironment } from "./cli/runtime.js";

/** npm forwards Ctrl-C, so two interrupts within this time count as one. */
const ONE_INTERRUPT_MS = 500;
const ABORTED = `stopped without cleaning up:
  - nodes stop fetching by themselves; the next load continues from there
  - an unfinished bundle keeps its temporary name; the next build continues it
  - a folder viola-airgap-* may remain in the folder for temporary files
  - releases may be partly installed; see: helm list -A
`;

// `| head` closes the pipe; what it has not read is not wanted.
process.stdout.on("error", (cause: NodeJS.ErrnoException) => {
  if (cause.code === "EPIPE") return;
  process.stderr.write(`stdout: ${cause.message}\n`);
  process.exit(2);
});

const environment: ProcessEnvironment = {
  // A getter, because the first access to process.stdin opens the stream.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  // The folder above `src` or `dist`, which contains manifests and package.json.
  home: fileURLToPath(new URL("..", import.meta.url)),
  programCommand: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
  onInterrupt: (interrupt) => {
    let firstMs: number | undefined;
    const onSignal = (): void => {
      if (firstMs === undefined) {
        firstMs = performance.now();
        interrupt();
      } else if (performance.now() - firstMs > ONE_INTERRUPT_MS) {
        process.stderr.write(ABORTED);
        process.exit(130);
      }
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, onSignal);
    // After SIGHUP the terminal is closed. Errors of stderr must not interrupt the cleanup.
    process.stderr.on("error", () => undefined);
  },
};

void run(process.argv.slice(2), environment).then((exitCode) => {
  process.exitCode = exitCode;
});
