// The pool of worker threads that fetch, copy and hash blobs.
import { Worker } from "node:worker_threads";
import type { HttpClient } from "../http/client.js";
import type {
  ActivityMessage,
  FetchJob,
  Job,
  JobMessage,
  Outcome,
  OutcomeMessage,
  WorkerSettings,
} from "./blob-messages.js";
import { clientGet, fetchBlob } from "./fetch-blob.js";
import { OutputFiles } from "./output-file.js";

/** Two threads saturate a fast network with TLS. More would only wait for the disk. */
const DEFAULT_THREADS = 2;

/** A worker allocates little memory, because it reuses its buffers. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 };

/** The options of a pool. */
export interface BlobWorkerOptions {
  /** The client for blobs that the workers cannot fetch. Required for fetching. */
  readonly http?: HttpClient;
  readonly threads?: number;
}

/**
 * Runs jobs in worker threads. Starting them takes as long as many small blobs, so a pool is created
 * before it is needed. The caller closes it.
 */
export class BlobWorkers {
  readonly #workers: readonly { readonly thread: Worker; jobs: number }[];
  readonly #waiting = new Map<
    number,
    { resolve: (outcome: Outcome) => void; reject: (cause: Error) => void }
  >();
  readonly #http: HttpClient | undefined;
  /** The files of blobs that the client fetches. */
  readonly #outputs: OutputFiles;
  #lastId = 0;
  /** The error of all further jobs. */
  #failure: Error | undefined;

  constructor({ http, threads = DEFAULT_THREADS }: BlobWorkerOptions) {
    const moved = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
    const settings: WorkerSettings = {
      moved,
      isObserved: http?.onActivity !== undefined,
      ...(http !== undefined && { http: http.settings }),
    };
    this.#http = http;
    this.#outputs = new OutputFiles(moved);
    this.#workers = Array.from({ length: threads }, () => {
      const thread = new Worker(new URL("./blob-worker.js", import.meta.url), {
        workerData: settings,
        resourceLimits: RESOURCE_LIMITS,
      });
      thread.on("message", (message: OutcomeMessage | ActivityMessage) => {
        if ("activity" in message) {
          http?.onActivity?.(message.activity);
          return;
        }
        this.#waiting.get(message.id)?.resolve(message.outcome);
        this.#waiting.delete(message.id);
      });
      thread.on("error", (cause) => {
        this.#failAll(cause);
      });
      return { thread, jobs: 0 };
    });
  }

  /** The number of bytes transferred or hashed, without those of wrong blobs. */
  get movedBytes(): number {
    return this.#outputs.moved.total;
  }

  /**
   * Runs the job in a worker. Blobs behind a proxy and bodies without Content-Length are fetched in
   * the main thread with the client.
   * Throws the signal's reason, and an `AbortError` when the pool is closed.
   */
  async run(job: Job, signal: AbortSignal): Promise<Outcome> {
    return job.kind === "fetch" && this.#http !== undefined
      ? this.#fetch(job, this.#http, signal)
      : this.#runInThread(job);
  }

  async #fetch(job: FetchJob, http: HttpClient, signal: AbortSignal): Promise<Outcome> {
    if (http.findProxy(new URL(job.url)) === undefined) {
      const outcome = await this.#runInThread(job);
      if (outcome.kind !== "unreadable") return outcome;
    }
    return fetchBlob(job, this.#outputs.get(job.output), clientGet(http, signal), signal);
  }

  /** Runs the job in the worker with the fewest jobs. */
  async #runInThread(job: Job): Promise<Outcome> {
    if (this.#failure !== undefined) throw this.#failure;
    const worker = this.#workers.reduce((least, other) => (other.jobs < least.jobs ? other : least));
    const id = ++this.#lastId;
    worker.jobs++;
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        worker.thread.postMessage({ id, job } satisfies JobMessage);
      });
    } finally {
      worker.jobs--;
    }
  }

  /** Terminates the workers. Running jobs are rejected. */
  async close(): Promise<void> {
    this.#failAll(new DOMException("the workers were closed", "AbortError"));
    await Promise.all(this.#workers.map(({ thread }) => thread.terminate()));
    this.#outputs.close();
  }

  #failAll(cause: Error): void {
    this.#failure ??= cause;
    for (const { reject } of this.#waiting.values()) reject(cause);
    this.#waiting.clear();
  }
}
