// Runs a program to its end and returns its output, with any exit code.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";

export interface RunResult {
  /**
   * Exit code, or 128 + the number of the signal, as in a shell; -1 when the program could not be
   * started.
   */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The whole environment; default: that of the tests. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Standard input; without it there is none. */
  readonly input?: string | Buffer;
}

/** A running program, for tests that observe or interrupt it. */
export interface Running {
  readonly process: ChildProcessWithoutNullStreams;
  readonly result: Promise<RunResult>;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15 };

/** Starts a program; the result never rejects. */
export function start(program: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(program, args, { cwd: options.cwd, env: { ...(options.env ?? process.env) } });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A program may end before it has read its input.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input);
  const result = new Promise<RunResult>((resolve) => {
    const end = (code: number, failure = ""): void => {
      resolve({
        code,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString() + failure,
      });
    };
    child.on("error", (error) => {
      end(-1, error.message);
    });
    child.on("close", (code, signal) => {
      end(code ?? 128 + (SIGNALS[signal ?? ""] ?? 0));
    });
  });
  return { process: child, result };
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return start(program, args, options).result;
}

/**
 * Runs a program that must succeed and returns its standard output. Throws with its standard error
 * otherwise.
 */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: exit code ${code}: ${stderr || stdout}`);
  return stdout;
}
