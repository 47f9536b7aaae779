// Shows the progress of a workflow on stderr: on a terminal with listr2, otherwise as plain lines.
import type { ListrDefaultRendererLogLevels } from "listr2";
import type { OnProgress, ProgressEvent } from "../workflows/progress.js";
import { singleLines, write } from "./terminal.js";
import { formatBytes, formatDuration } from "./units.js";

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5_000;

type Started = ProgressEvent & { readonly kind: "started" };
type Advanced = ProgressEvent & { readonly kind: "advanced" };

/** Receives progress events. `stop` marks all unfinished steps as failed. */
export interface ProgressDisplay {
  readonly onProgress: OnProgress;
  stop(): Promise<void>;
}

/** Returns a display that writes to stderr. A quiet display shows only notes, a plain one only lines. */
export function showProgress(
  stderr: NodeJS.WriteStream,
  { isQuiet, isPlain = false }: { readonly isQuiet: boolean; readonly isPlain?: boolean },
): ProgressDisplay {
  const open = new Map<string, Step>();
  // Steps may overlap. A terminal shows a step after all earlier steps have ended.
  let shown: Promise<void> = Promise.resolve();
  return {
    onProgress: (told) => {
      const event = singleLines(told);
      if (event.kind === "note") write(stderr, `${event.message}\n`);
      else if (isQuiet) return;
      else if (event.kind === "started") {
        const step =
          stderr.isTTY && !isPlain ? new TerminalStep(event, stderr) : new PlainStep(event, stderr);
        open.set(event.step, step);
        shown = shown.then(() => step.show());
      } else if (event.kind === "advanced") open.get(event.step)?.advance(event);
      else {
        open.get(event.step)?.end(event.summary);
        open.delete(event.step);
      }
    },
    stop: async () => {
      for (const step of open.values()) step.fail();
      open.clear();
      await shown;
    },
  };
}

/** Formats the progress of a step: amount, rate, and the remaining time if the total is known. */
export function formatAdvance(
  started: Started,
  { done, detail, ...advanced }: Advanced,
  elapsedMs: number,
): string {
  const amount = started.unit === "bytes" ? formatBytes : String;
  const total = advanced.total ?? started.total;
  const parts = [total === undefined ? amount(done) : `${amount(done)} of ${amount(total)}`];
  if (started.unit === "bytes" && elapsedMs > 0) parts.push(`${formatBytes((done / elapsedMs) * 1000)}/s`);
  if (total !== undefined && done > 0 && done < total) {
    parts.push(`${formatDuration((elapsedMs / done) * (total - done))} left`);
  }
  if (detail !== undefined) parts.push(detail);
  return parts.join(", ");
}

/** A step. It starts when it is constructed, even if it is shown later. */
abstract class Step {
  protected readonly stderr: NodeJS.WriteStream;
  protected readonly title: string;
  protected abstract readonly intervalMs: number;
  readonly #started: Started;
  readonly #startedAt = Date.now();
  #shownAt = Date.now();

  constructor(started: Started, stderr: NodeJS.WriteStream) {
    this.#started = started;
    this.title = started.title;
    this.stderr = stderr;
  }

  advance(event: Advanced): void {
    if (Date.now() - this.#shownAt < this.intervalMs) return;
    this.#shownAt = Date.now();
    this.update(formatAdvance(this.#started, event, Date.now() - this.#startedAt));
  }

  end(summary: string | undefined): void {
    const took = formatDuration(Date.now() - this.#startedAt);
    this.settle(`${this.title}: ${summary === undefined ? "" : `${summary}, `}${took}`);
  }

  /**
   * Resolves when the step has ended and is fully shown. Never rejects, because the caller of the
   * workflow reports failures.
   */
  abstract show(): Promise<void>;
  abstract fail(): void;
  protected abstract update(text: string): void;
  protected abstract settle(text: string): void;
}

/** Writes lines for logs: one every few seconds, and one at the end. */
class PlainStep extends Step {
  protected override readonly intervalMs = PLAIN_INTERVAL_MS;

  override show(): Promise<void> {
    return Promise.resolve();
  }

  override fail(): void {
    write(this.stderr, `${this.title}: stopped\n`);
  }

  protected override update(text: string): void {
    write(this.stderr, `${this.title}: ${text}\n`);
  }

  protected override settle(text: string): void {
    write(this.stderr, `${text}\n`);
  }
}

/** Shows the step as a listr2 task. */
class TerminalStep extends Step {
  protected override readonly intervalMs = TERMINAL_INTERVAL_MS;
  readonly #over: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (cause: Error) => void = () => undefined;
  #task: { title: string; output: string } = { title: this.title, output: "" };

  constructor(started: Started, stderr: NodeJS.WriteStream) {
    super(started, stderr);
    this.#over = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#over.catch(() => undefined);
  }

  override async show(): Promise<void> {
    const { Listr, ListrLogger, ProcessOutput } = await import("listr2");
    const logger = new ListrLogger<ListrDefaultRendererLogLevels>({
      processOutput: new ProcessOutput(this.stderr, this.stderr),
    });
    const { title } = this.#task;
    const list = new Listr(
      [
        {
          title,
          task: (_, task) => {
            this.#task = task;
            return this.#over;
          },
        },
      ],
      { exitOnError: false, registerSignalListeners: false, rendererOptions: { logger } },
    );
    await list.run();
  }

  override fail(): void {
    this.#reject(new Error("stopped"));
  }

  protected override update(text: string): void {
    this.#task.output = text;
  }

  protected override settle(text: string): void {
    this.#task.title = text;
    this.#resolve();
  }
}
