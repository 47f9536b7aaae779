// Jobs inside a node. A script reads one job per line from its standard input, and writes one
// answer per job to its output.
import { isBug } from "../../errors.js";
import type { ExecSession, NodeShell } from "../exec/shell.js";

/** A line of output from a job or from the script itself. */
export interface JobAnswer {
  readonly outcome: "done" | "failed" | "said";
  /** The last word of the job's line. Empty when the line is not the answer to a job. */
  readonly subject: string;
  readonly text: string;
}

export interface JobOptions {
  /** The jobs, one per line. */
  readonly lines: readonly string[];
  /** How many jobs run at once. */
  readonly concurrency: number;
}

/** How long a node may take to end its jobs and to clean up. */
const CLEAN_UP_MS = 10_000;

/**
 * Starts a job script of `node-scripts.ts`, runs the jobs with at most `concurrency` at a time, and
 * yields each answer as it arrives.
 *
 * When the iteration ends, for any reason, the remaining jobs are ended and the node is cleaned up.
 * The script does both at the end of its input, so this also happens when this process is killed.
 *
 * Ends early without an error when the connection to the node is lost. The caller detects this by
 * the missing answers.
 */
export async function* runJobs(
  shell: NodeShell,
  argv: readonly string[],
  { lines, concurrency }: JobOptions,
  signal: AbortSignal,
): AsyncGenerator<JobAnswer, void> {
  const session = await shell.open(argv, signal);
  let hanging: NodeJS.Timeout | undefined;
  const stop = (): void => {
    session.stdin.end();
    // Do not wait longer for a node that hangs.
    hanging ??= setTimeout(() => {
      session.destroy();
    }, CLEAN_UP_MS);
  };
  signal.addEventListener("abort", stop, { once: true });
  const said = linesOf(session);
  try {
    const waiting = [...lines];
    let running = 0;
    const startNext = (): void => {
      const line = signal.aborted ? undefined : waiting.shift();
      if (line === undefined) return;
      running++;
      session.stdin.write(`${line}\n`);
    };
    while (running < concurrency && waiting.length > 0 && !signal.aborted) startNext();
    while (running > 0) {
      const { value: line, done } = await said.next();
      if (done) break;
      const answer = parseAnswer(line);
      if (answer.outcome !== "said") {
        running--;
        startNext();
      }
      yield answer;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
    while (!(await said.next()).done);
    clearTimeout(hanging);
    session.destroy();
  }
  signal.throwIfAborted();
}

function parseAnswer(line: string): JobAnswer {
  const [, outcome, subject, text] = /^(done|failed) (\S+) ?(.*)$/.exec(line) ?? [];
  if (subject === undefined) return { outcome: "said", subject: "", text: line };
  return { outcome: outcome === "done" ? "done" : "failed", subject, text: text ?? "" };
}

/** Splits the output of a process into lines. Ends without an error when the connection breaks. */
export async function* linesOf(session: ExecSession): AsyncGenerator<string, void> {
  let rest = "";
  try {
    for await (const { bytes } of session.output) {
      const lines = (rest + bytes.toString()).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (cause) {
    // The connection has ended. The caller judges the lines that were received.
    if (isBug(cause)) throw cause;
  }
  if (rest !== "") yield rest;
}
