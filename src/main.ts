#!/usr/bin/env node
// The program: runs the command and sets the exit code. The only file that knows the process.
import { fileURLToPath } from "node:url";
import { run } from "./cli/program.js";

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
  ownCommand: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
  onInterrupt: (interrupt) => {
    process.on("SIGINT", interrupt);
    process.on("SIGTERM", interrupt);
  },
});
