// What the main thread and a blob worker say to each other.
import type { Activity } from "../../core/activity.js";
import type { HttpSettings } from "../http/settings.js";

interface BlobJob {
  readonly digest: string;
  /** Bytes that the blob must have. */
  readonly size: number;
}

/** Fetch a blob over HTTP and write it at `offset` of the output file. */
export interface FetchJob extends BlobJob {
  readonly kind: "fetch";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly offset: number;
}

/** Copy a blob out of another file to `offset` of the output file. */
export interface CopyJob extends BlobJob {
  readonly kind: "copy";
  readonly file: string;
  readonly from: number;
  readonly offset: number;
}

/** Hash bytes of a file in place. */
export interface CheckJob extends BlobJob {
  readonly kind: "check";
  readonly file: string;
  readonly from: number;
}

export type Job = FetchJob | CopyJob | CheckJob;

/** How a job ended. Only `done` means that size and digest are right and every byte is in its place. */
export type Outcome =
  | { readonly kind: "done" }
  /** The server answered, but not with the blob. `url` is what answered, after redirects. */
  | {
      readonly kind: "answered";
      readonly url: string;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** The beginning of the body. */
      readonly body: Uint8Array;
    }
  /** The thread cannot read this answer: a proxy stands before the server, or the body has no Content-Length. Nothing was written. */
  | { readonly kind: "unreadable" }
  /** The connection failed, more than once without a byte of progress. */
  | { readonly kind: "broken"; readonly url: string; readonly code: string; readonly message: string }
  /** All bytes came and are not the blob. */
  | { readonly kind: "wrong"; readonly actual: string }
  /** A local file cannot be read or written. */
  | { readonly kind: "unusable"; readonly file: string; readonly code: string; readonly message: string };

export interface JobMessage {
  readonly id: number;
  readonly job: Job;
}

export interface OutcomeMessage {
  readonly id: number;
  readonly outcome: Outcome;
}

/** A request of the worker, if it is observed. */
export interface ActivityMessage {
  readonly activity: Activity;
}

/** What a worker is started with. */
export interface WorkerSettings {
  /** File that fetched and copied blobs go to; absent when the worker only checks. */
  readonly output?: string;
  /** How servers are reached; absent when the worker fetches nothing. */
  readonly http?: HttpSettings;
  /** True when the worker reports its requests. */
  readonly isObserved: boolean;
  /** One 64-bit counter of bytes moved, shared by all workers. */
  readonly moved: SharedArrayBuffer;
}
