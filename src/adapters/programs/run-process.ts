// Runs a program to its end, with optional input, captured output and an abort signal.
import { spawn } from "node:child_process";
import { basename } from "node:path";
import type { OnActivity } from "../../core/activity.js";
import { redactArguments, redactText } from "../../core/redact.js";
import { ViolaError } from "../../errors.js";
import { watchTransfer } from "./watch-transfer.js";

const TAIL_CHARACTERS = 8_192;
/** Far more than any program prints that this one runs. */
const OUTPUT_BYTES = 32 * 1024 * 1024;

/** How a program failed. */
export interface ProcessEnd {
  /** Undefined when the program could not be started or was killed by a signal. */
  readonly exitCode: number | undefined;
  /** The last characters of stderr. */
  readonly stderrTail: string;
  /** The last characters of stdout. */
  readonly stdoutTail: string;
  /** Why it could not be started. */
  readonly cause?: unknown;
}

/** A program that could not be started or ended with a non-zero exit code. */
export class ProcessError extends ViolaError implements ProcessEnd {
  readonly argv: readonly string[];
  readonly exitCode: number | undefined;
  readonly stderrTail: string;
  readonly stdoutTail: string;

  constructor(argv: readonly string[], { exitCode, stderrTail, stdoutTail, cause }: ProcessEnd) {
    const program = basename(argv[0] ?? "");
    const ending = exitCode === undefined ? "did not run to its end" : `ended with exit code ${exitCode}`;
    const why = exitCode === undefined && cause instanceof Error ? cause.message : stderrTail;
    const lastLine = redactText(why.trimEnd().split("\n").at(-1) ?? "");
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

/** What every program of a run gets. */
export interface ProcessRun {
  readonly signal: AbortSignal;
  /** Is notified when the program has ended. */
  readonly onActivity?: OnActivity | undefined;
}

export interface ProcessOptions extends ProcessRun {
  readonly cwd?: string;
  /** The whole environment of the program. The environment of this process when absent. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed. */
  readonly stdin?: string | Uint8Array;
  /** Sent to the program when the signal fires. SIGKILL when absent. */
  readonly killSignal?: NodeJS.Signals;
  /** The program is killed when it transfers nothing for this time; see `watchTransfer`. */
  readonly stallMs?: number;
}

export interface ProcessOutput {
  readonly stdout: string;
  /** The same without decoding. */
  readonly stdoutBytes: Uint8Array;
  /** The last characters of stderr. */
  readonly stderrTail: string;
}

/**
 * Runs `argv` and returns its whole stdout as UTF-8.
 * Throws `ProcessError` when the program cannot be started, ends with a non-zero exit code, or
 * prints more than 32 MiB, or transfers nothing for `stallMs`.
 * Throws the signal's reason after it has killed the program.
 */
export function runProcess(argv: readonly string[], options: ProcessOptions): Promise<ProcessOutput> {
  const [program = "", ...args] = argv;
  const { signal, onActivity, cwd, env, stdin, killSignal = "SIGKILL", stallMs } = options;
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const child = spawn(program, args, { cwd, env, signal, stdio: "pipe", killSignal });
    const stdout: Buffer[] = [];
    let stderrTail = "";
    let failure: unknown;
    let printed = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.length;
      if (printed <= OUTPUT_BYTES) stdout.push(chunk);
      else if (failure === undefined) {
        failure = new Error(`it printed more than ${OUTPUT_BYTES} bytes`);
        child.kill("SIGKILL");
      }
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderrTail = (stderrTail + chunk).slice(-TAIL_CHARACTERS);
    });
    const endWatch =
      stallMs === undefined || child.pid === undefined
        ? undefined
        : watchTransfer(child.pid, stallMs, () => {
            failure ??= new Error(`no data for ${stallMs / 1000} s`);
            child.kill("SIGKILL");
          });
    child.on("error", (error) => (failure = error));
    child.on("close", (code) => {
      endWatch?.();
      onActivity?.({
        kind: "command",
        argv: redactArguments(argv),
        ...(failure === undefined && code !== null && { exitCode: code }),
        durationMs: performance.now() - startedMs,
      });
      if (signal.aborted) reject(signal.reason as Error);
      else if (failure !== undefined || code !== 0) {
        reject(
          new ProcessError(argv, {
            exitCode: failure === undefined ? (code ?? undefined) : undefined,
            stderrTail,
            stdoutTail: Buffer.concat(stdout).subarray(-TAIL_CHARACTERS).toString("utf8"),
            cause: failure,
          }),
        );
      } else {
        const stdoutBytes = Buffer.concat(stdout);
        resolve({ stdout: stdoutBytes.toString("utf8"), stdoutBytes, stderrTail });
      }
    });
    // A program may end before it has read its input. Its exit code then states whether it
    // succeeded.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin ?? "");
  });
}
