// Jobs inside a node: one script, one job per line of its standard input, one answer per job on its output.
import { isBug } from "../../errors.js";
import type { ExecSession, NodeShell } from "../exec/shell.js";

/** What a job, or the script itself, said. */
export interface JobAnswer {
  readonly outcome: "done" | "failed" | "said";
  /** The last word of the job's line; empty for what is no answer to a job. */
  readonly subject: string;
  readonly text: string;
}

export interface JobOptions {
  /** One job each. */
  readonly lines: readonly string[];
  /** How many jobs run at once. */
  readonly concurrency: number;
}

/** Time for a node to end its jobs and clean up after them. */
const CLEAN_UP_MS = 10_000;

/**
 * Starts a job script of `node-scripts.ts`, keeps `concurrency` of its jobs running until every line has had its turn, and yields answers as
 * they come. Whatever ends the iteration (all answered, a `break`, an error, the signal) ends the jobs, and the node has cleaned up when
 * it returns: the script does so at the end of its input, which comes too when this process is killed.
 * Ends early without an error when the node is gone; the caller sees that answers are missing.
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
    // A node that hangs is left to itself.
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

/** Splits what a process writes into lines. A connection that breaks ends them: what has been said counts. */
export async function* linesOf(session: ExecSession): AsyncGenerator<string, void> {
  let rest = "";
  try {
    for await (const { bytes } of session.output) {
      const lines = (rest + bytes.toString()).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (cause) {
    if (isBug(cause)) throw cause;
  }
  if (rest !== "") yield rest;
}
