// Runs the commands of a node on this machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { isSystemError } from "../../errors.js";
import { collectOutput, type ExecSession, type NodeShell, type OutputChunk } from "./shell.js";

/** The exit code of shells for a program that does not exist. */
const NOT_FOUND = 127;
/**
 * How long a process may run after the end of its standard input. A killed process would leave its
 * leases in containerd.
 */
const GRACE_MS = 1_000;

/**
 * Runs commands on this machine, each in its own process group, with exactly these environment
 * variables.
 */
export function localShell(variables: Readonly<Record<string, string | undefined>>): NodeShell {
  const open = (argv: readonly string[]): Promise<ExecSession> =>
    Promise.resolve(startLocal(argv, variables));
  return {
    open,
    exec: async (argv, signal) => collectOutput(await open(argv), signal),
  };
}

function startLocal(
  [program = "", ...args]: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): ExecSession {
  // Job scripts kill their process group to end their jobs. It must not be the group of this
  // process.
  const child = spawn(program, args, { detached: true, env: variables });
  const output = new PassThrough({ objectMode: true });
  const write = (stream: OutputChunk["stream"]) => (bytes: Buffer) => output.write({ stream, bytes });
  child.stdout.on("data", write("stdout"));
  child.stderr.on("data", write("stderr"));
  // A process may end before it has read all input. Its exit code then states whether it succeeded.
  child.stdin.on("error", () => undefined);
  let code = NOT_FOUND;
  let isOver = false;
  let grace: NodeJS.Timeout | undefined;
  const end = (): void => {
    isOver = true;
    clearTimeout(grace);
    output.end();
  };
  child.on("error", ({ message }) => {
    write("stderr")(Buffer.from(message));
    end();
  });
  // `close` is emitted when the last process with the output open has ended. Until then the process
  // group exists, even when its leader has ended.
  child.on("close", (ended) => {
    code = ended ?? 1;
    end();
  });
  return {
    stdin: child.stdin,
    output: output as AsyncIterable<OutputChunk>,
    exitCode: async (signal) => {
      if (!output.writableFinished) await once(output, "finish", { signal });
      return code;
    },
    destroy: () => {
      child.stdin.destroy();
      if (isOver) return;
      grace ??= setTimeout(() => {
        killGroup(child.pid);
      }, GRACE_MS);
    },
  };
}

function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, "SIGKILL");
  } catch (cause) {
    // The process group may have ended meanwhile.
    if (!isSystemError(cause, "ESRCH")) throw cause;
  }
}
