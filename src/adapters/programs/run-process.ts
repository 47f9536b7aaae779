// Runs a program to its end: argv array, optional input, captured output, abort.
import { spawn } from "node:child_process";
import { ViolaError } from "../../errors.js";

const TAIL_CHARACTERS = 8_192;

/** A program that could not be started, or ended with another code than 0. */
export class ProcessError extends ViolaError {
  readonly argv: readonly string[];
  /** Undefined when the program did not start or was ended by a signal. */
  readonly exitCode: number | undefined;
  /** The last characters of what it wrote to stderr. */
  readonly stderrTail: string;
  /** The last characters of what it wrote to stdout. */
  readonly stdoutTail: string;

  constructor(
    argv: readonly string[],
    exitCode: number | undefined,
    stderrTail: string,
    stdoutTail: string,
    cause?: unknown,
  ) {
    const program = argv[0] ?? "";
    const ending = exitCode === undefined ? "did not run to its end" : `ended with ${exitCode}`;
    const lastLine = stderrTail.trimEnd().split("\n").at(-1) ?? "";
    super("PROCESS_FAILED", `${program} ${ending}${lastLine === "" ? "" : `: ${lastLine}`}`, {
      subject: program,
      cause,
    });
    this.argv = argv;
    this.exitCode = exitCode;
    this.stderrTail = stderrTail;
    this.stdoutTail = stdoutTail;
  }
}

export interface ProcessOptions {
  readonly signal: AbortSignal;
  readonly cwd?: string;
  /** The whole environment of the program; this process's own when absent. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed. */
  readonly stdin?: string | Uint8Array;
  /** What ends the program when the signal fires; SIGKILL when absent. */
  readonly killSignal?: NodeJS.Signals;
}

export interface ProcessOutput {
  readonly stdout: string;
  /** The last characters of stderr. */
  readonly stderrTail: string;
}

/**
 * Runs `argv` and returns what it wrote, stdout whole and as UTF-8.
 * Throws `ProcessError` when it cannot start or ends with another code than 0; throws the signal's reason when aborted, after the
 * program was killed.
 */
export function runProcess(argv: readonly string[], options: ProcessOptions): Promise<ProcessOutput> {
  const [program = "", ...args] = argv;
  const { signal, cwd, env, stdin, killSignal = "SIGKILL" } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const child = spawn(program, args, { cwd, env, signal, stdio: "pipe", killSignal });
    const stdout: Buffer[] = [];
    let stderrTail = "";
    let failure: unknown;
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderrTail = (stderrTail + chunk).slice(-TAIL_CHARACTERS);
    });
    child.on("error", (error) => (failure = error));
    child.on("close", (code) => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (failure !== undefined || code !== 0) {
        reject(
          new ProcessError(
            argv,
            failure === undefined ? (code ?? undefined) : undefined,
            stderrTail,
            Buffer.concat(stdout).subarray(-TAIL_CHARACTERS).toString("utf8"),
            failure,
          ),
        );
      } else resolve({ stdout: Buffer.concat(stdout).toString("utf8"), stderrTail });
    });
    // A program that ends without reading its input closes the pipe; its exit code says what went wrong.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin ?? "");
  });
}
