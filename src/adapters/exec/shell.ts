// Where the commands of a node run: in a container, or on this machine.
import type { Writable } from "node:stream";

/** A piece of what a process wrote. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Buffer;
}

/** A running process. `output` ends when the process has ended; `stdin.end()` closes its standard input. */
export interface ExecSession {
  readonly stdin: Writable;
  readonly output: AsyncIterable<OutputChunk>;
  /** To be asked for when `output` has ended. */
  exitCode(signal: AbortSignal): Promise<number>;
  /** Drops the connection: the process sees the end of its standard input. On this machine it is killed when it takes no notice. */
  destroy(): void;
}

/** What a process that ran to its end wrote, and how it ended: 126 or 127 where the program could not be started. */
export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs commands in one place, each as a list of arguments. */
export interface NodeShell {
  /** Runs a process to its end; one still running when the signal fires loses its connection and is not waited for. */
  exec(argv: readonly string[], signal: AbortSignal): Promise<ExecResult>;
  /** Starts a process with standard input open. The caller ends the session's input or destroys it. */
  open(argv: readonly string[], signal: AbortSignal): Promise<ExecSession>;
}

/** Reads a session that is given no input to its end. */
export async function collectOutput(session: ExecSession, signal: AbortSignal): Promise<ExecResult> {
  const abort = (): void => {
    session.destroy();
  };
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    session.stdin.end();
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    for await (const { stream, bytes } of session.output) output[stream].push(bytes);
    signal.throwIfAborted();
    const exitCode = await session.exitCode(signal);
    return {
      exitCode,
      stdout: Buffer.concat(output.stdout).toString(),
      stderr: Buffer.concat(output.stderr).toString(),
    };
  } finally {
    signal.removeEventListener("abort", abort);
    session.destroy();
  }
}
