#!/usr/bin/env node
// The program: runs the command and sets the exit code. The only file that knows the process.
import { fileURLToPath } from "node:url";
import { run } from "./cli/program.js";

/** One Ctrl-C comes twice when npm, which passes it on, sits between: what comes so soon is no second wish. */
const ONE_INTERRUPT_MS = 500;
const LEFT = `ended at once, without cleaning up:
  - what nodes were fetching stops by itself, and the next load goes on where this one was
  - a bundle that was being written has another name still, and the next build goes on with it
  - a folder viola-airgap-* may be left where temporary files go
  - releases that were being installed are as far as they came: see helm list -A
`;

process.exitCode = await run(process.argv.slice(2), {
  // A getter: touching it opens it.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  // The folder above `src` or `dist`: manifests and package.json lie there.
  home: fileURLToPath(new URL("..", import.meta.url)),
  programCommand: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
  onInterrupt: (interrupt) => {
    let heardMs: number | undefined;
    const hear = (): void => {
      if (heardMs === undefined) {
        heardMs = performance.now();
        interrupt();
      } else if (performance.now() - heardMs > ONE_INTERRUPT_MS) {
        process.stderr.write(LEFT);
        process.exit(130);
      }
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, hear);
    // After SIGHUP the terminal takes no words; cleaning up goes on all the same.
    process.stderr.on("error", () => undefined);
  },
});
