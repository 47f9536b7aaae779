// The interface for running the commands of a node, in a container or on this machine.
import type { Writable } from "node:stream";
import type { OnActivity } from "../../core/activity.js";
import { redactArguments } from "../../core/redact.js";

/** A chunk of the output of a process. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Buffer;
}

/**
 * A running process. `output` ends when the process has ended. `stdin.end()` closes its standard
 * input.
 */
export interface ExecSession {
  readonly stdin: Writable;
  readonly output: AsyncIterable<OutputChunk>;
  /** Call this only after `output` has ended. */
  exitCode(signal: AbortSignal): Promise<number>;
  /**
   * Closes the connection, which ends the standard input of the process. A process on this machine
   * is killed when it keeps running.
   */
  destroy(): void;
}

/**
 * The output and exit code of a process that has ended. The exit code is 126 or 127 when the
 * program could not be started.
 */
export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs commands in one place, each as a list of arguments. */
export interface NodeShell {
  /**
   * Runs a process to its end. When the signal fires, closes the connection and does not wait for
   * the process.
   */
  exec(argv: readonly string[], signal: AbortSignal): Promise<ExecResult>;
  /**
   * Starts a process with standard input open. The caller ends the input or destroys the session.
   */
  open(argv: readonly string[], signal: AbortSignal): Promise<ExecSession>;
}

/** Returns the shell, which notifies `onActivity` of every process that ended. `place` is its node. */
export function observeShell(
  shell: NodeShell,
  place: string | undefined,
  onActivity: OnActivity | undefined,
): NodeShell {
  if (onActivity === undefined) return shell;
  const start = (argv: readonly string[]) => {
    const startedMs = performance.now();
    let isReported = false;
    return (exitCode: number | undefined): void => {
      if (isReported) return;
      isReported = true;
      onActivity({
        kind: "command",
        ...(place !== undefined && { place }),
        argv: redactArguments(argv),
        ...(exitCode !== undefined && { exitCode }),
        durationMs: performance.now() - startedMs,
      });
    };
  };
  return {
    exec: async (argv, signal) => {
      const report = start(argv);
      try {
        const result = await shell.exec(argv, signal);
        report(result.exitCode);
        return result;
      } finally {
        report(undefined);
      }
    },
    open: async (argv, signal) => {
      const report = start(argv);
      const session = await shell.open(argv, signal);
      return {
        stdin: session.stdin,
        output: session.output,
        exitCode: async (until) => {
          const exitCode = await session.exitCode(until);
          report(exitCode);
          return exitCode;
        },
        destroy: () => {
          session.destroy();
          report(undefined);
        },
      };
    },
  };
}

/** Closes the input of the session and reads its output to the end. */
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
