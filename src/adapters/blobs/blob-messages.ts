// The messages between the main thread and the blob workers.
import type { Activity } from "../../core/activity.js";
import type { HttpSettings } from "../http/settings.js";

interface BlobJob {
  readonly digest: string;
  /** The expected size in bytes. */
  readonly size: number;
}

/** A job that writes the blob at `offset` of an existing file. */
interface WriteJob extends BlobJob {
  readonly output: string;
  readonly offset: number;
}

/** Fetches a blob over HTTP. */
export interface FetchJob extends WriteJob {
  readonly kind: "fetch";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A blob to fetch, wherever it is written. */
export type FetchRequest = Omit<FetchJob, "output">;

/** Copies a blob from another file. */
export interface CopyJob extends WriteJob {
  readonly kind: "copy";
  readonly file: string;
  readonly from: number;
}

/** Checks the digest of a blob in a file. */
export interface CheckJob extends BlobJob {
  readonly kind: "check";
  readonly file: string;
  readonly from: number;
}

/** Decompresses a layer in a file. `digest` is that of its tar, the diff id. */
export interface UnpackJob extends BlobJob {
  readonly kind: "unpack";
  readonly file: string;
  readonly from: number;
}

export type Job = FetchJob | CopyJob | CheckJob | UnpackJob;

/** The result of a job. `done` means that size and digest are correct and all bytes are written. */
export type Outcome =
  | { readonly kind: "done" }
  /** The server did not return the blob. `url` is the URL after redirects. */
  | {
      readonly kind: "answered";
      readonly url: string;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** The beginning of the body. */
      readonly body: Uint8Array;
    }
  /**
   * The worker cannot read the response, because a proxy is required or the body has no
   * Content-Length, or cannot decompress the layer. Nothing was written.
   */
  | { readonly kind: "unreadable" }
  /** The connection failed repeatedly without progress. */
  | { readonly kind: "broken"; readonly url: string; readonly code: string; readonly message: string }
  /** All bytes were received, but they do not match the digest. */
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

/** The data that a worker is started with. */
export interface WorkerSettings {
  /** The connection settings. Absent when the worker fetches nothing. */
  readonly http?: HttpSettings;
  /** True when the worker reports its requests. */
  readonly isObserved: boolean;
  /** A 64-bit counter of transferred bytes, shared by all workers. */
  readonly moved: SharedArrayBuffer;
}
