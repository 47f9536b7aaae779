#!/usr/bin/env node
// The program: runs the command and sets the exit code. The only file that knows the process.
import { run } from "./cli/program.js";

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  onInterrupt: (interrupt) => {
    process.on("SIGINT", interrupt);
    process.on("SIGTERM", interrupt);
  },
});
