// Commands of a node that is this very machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { isSystemError } from "../../errors.js";
import { collectOutput, type ExecSession, type NodeShell, type OutputChunk } from "./shell.js";

/** As shells say it. */
const NOT_FOUND = 127;
/** Time for a process to end by itself once its standard input has ended: one that is killed leaves its leases in containerd. */
const GRACE_MS = 1_000;

/** Runs commands on this machine, each in a process group of its own, with exactly these environment variables. */
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
  // Job scripts end their group to end their jobs: it must not be that of this process.
  const child = spawn(program, args, { detached: true, env: variables });
  const output = new PassThrough({ objectMode: true });
  const write = (stream: OutputChunk["stream"]) => (bytes: Buffer) => output.write({ stream, bytes });
  child.stdout.on("data", write("stdout"));
  child.stderr.on("data", write("stderr"));
  // A process that ends before it has read all is judged by its exit code.
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
  // It comes when the last process that holds the output has ended: until then the group is there, if not its leader.
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
    // It may have ended meanwhile.
    if (!isSystemError(cause, "ESRCH")) throw cause;
  }
}
