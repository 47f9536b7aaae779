// Shows the progress of a workflow on stderr with listr2: a live line on a terminal, plain lines elsewhere, one step at a time.
import { Listr, ListrLogger, ProcessOutput } from "listr2";
import type { OnProgress, ProgressEvent } from "../workflows/events.js";
import { formatBytes, formatDuration } from "./units.js";

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5_000;

type Started = ProgressEvent & { readonly kind: "started" };
type Advanced = ProgressEvent & { readonly kind: "advanced" };

/** Receives events until `stop`, which marks steps still open as failed. */
export interface ProgressDisplay {
  readonly onProgress: OnProgress;
  stop(): Promise<void>;
}

/** Makes a display that writes to stderr only; a quiet one shows nothing but notes. */
export function showProgress(stderr: NodeJS.WriteStream, isQuiet: boolean): ProgressDisplay {
  const open = new Map<string, Step>();
  // Steps may overlap; each is shown when the ones before it have ended.
  let shown: Promise<void> = Promise.resolve();
  return {
    onProgress: (event) => {
      if (event.kind === "note") stderr.write(`${event.message}\n`);
      else if (isQuiet) return;
      else if (event.kind === "started") {
        const step = new Step(event, stderr);
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

/** Writes how far a step is: amount, rate and time left where the total is known. */
export function formatAdvance(started: Started, { done, detail }: Advanced, elapsedMs: number): string {
  const amount = started.unit === "bytes" ? formatBytes : String;
  const parts = [started.total === undefined ? amount(done) : `${amount(done)} of ${amount(started.total)}`];
  if (started.unit === "bytes" && elapsedMs > 0) parts.push(`${formatBytes((done / elapsedMs) * 1000)}/s`);
  if (started.total !== undefined && done > 0 && done < started.total) {
    parts.push(`${formatDuration((elapsedMs / done) * (started.total - done))} left`);
  }
  if (detail !== undefined) parts.push(detail);
  return parts.join(", ");
}

/** One step: it begins when it is made, whenever it is shown. */
class Step {
  readonly #started: Started;
  readonly #stderr: NodeJS.WriteStream;
  readonly #startedAt = Date.now();
  readonly #interval: number;
  readonly #ended: Promise<void>;
  #settle: { readonly resolve: () => void; readonly reject: (cause: Error) => void } | undefined;
  #shownAt = Date.now();
  #output: (text: string) => void = () => undefined;
  #title: string;
  #retitle: (title: string) => void = () => undefined;

  constructor(started: Started, stderr: NodeJS.WriteStream) {
    this.#started = started;
    this.#title = started.title;
    this.#stderr = stderr;
    this.#interval = stderr.isTTY ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
    this.#ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#ended.catch(() => undefined);
  }

  advance(event: Advanced): void {
    if (Date.now() - this.#shownAt < this.#interval) return;
    this.#shownAt = Date.now();
    this.#output(formatAdvance(this.#started, event, Date.now() - this.#startedAt));
  }

  end(summary: string | undefined): void {
    const took = formatDuration(Date.now() - this.#startedAt);
    this.#title = `${this.#started.title}: ${summary === undefined ? "" : `${summary}, `}${took}`;
    this.#retitle(this.#title);
    this.#settle?.resolve();
  }

  fail(): void {
    this.#settle?.reject(new Error("stopped"));
  }

  /** Shows the step until it ends. Never rejects: a failure is told by whoever ran the workflow. */
  async show(): Promise<void> {
    const { isTTY } = this.#stderr;
    const list = new Listr(
      [
        {
          title: this.#title,
          task: (_, task) => {
            this.#output = (text) => {
              task.output = text;
            };
            this.#retitle = (title) => {
              task.title = title;
            };
            return this.#ended;
          },
        },
      ],
      {
        exitOnError: false,
        registerSignalListeners: false,
        renderer: isTTY ? "default" : "simple",
        rendererOptions: {
          logger: new ListrLogger({ processOutput: new ProcessOutput(this.#stderr, this.#stderr) }),
        },
      },
    );
    await list.run();
  }
}
