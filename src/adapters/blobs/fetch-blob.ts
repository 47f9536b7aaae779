// Fetches one blob: resumes after a broken connection, and checks size and digest. The caller
// provides the function that sends requests.
import { ContentVerifier } from "../../core/oci/verifier.js";
import { isBug } from "../../errors.js";
import type { HttpClient } from "../http/client.js";
import type { FetchRequest, Outcome } from "./blob-messages.js";
import { UnreadableBody, type ResponseHead } from "./http-connection.js";

/** The destination of a fetched blob. */
export interface BlobOutput {
  /** The outcome of the last failed write, if any. */
  readonly failure: (Outcome & { readonly kind: "unusable" }) | undefined;
  /**
   * Writes the block at the offset. The block is valid until the method returns or resolves. Throws
   * when the write fails.
   */
  write(block: Uint8Array, offset: number): void | Promise<void>;
  /** Subtracts bytes that will be fetched again or were discarded. */
  uncount(bytes: number): void;
}

/** Receives responses: redirects, and the last one with its body. */
export interface BlobSink {
  onHead(head: ResponseHead): void;
  /** The chunk is valid until the method returns or resolves. */
  onData(chunk: Uint8Array): void | Promise<void>;
}

/**
 * Sends a GET, follows redirects and passes each response to the sink. Returns the last response and
 * its URL.
 * Throws `UnreadableBody`, the errors of the sink, and those of the connection.
 */
export type BlobGet = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  sink: BlobSink,
) => Promise<{ readonly url: URL; readonly head: ResponseHead }>;

/** The number of successive failures without progress. */
const STALL_LIMIT = 3;
/** A connection that timed out has already cost its time, so the blob is requested once more only. */
const TIMED_OUT_LIMIT = 1;
/** The part of an error response that is kept for the message. */
const REFUSAL_BYTES = 4096;

/**
 * Runs the job and returns its outcome. Does not throw for errors of servers or the network. Throws
 * the signal's reason.
 *
 * After a broken connection, requests the rest with Range. Begins again when the server does not
 * support it and responds with 200. Each request begins at the first URL, because signed URLs
 * expire.
 */
export async function fetchBlob(
  job: FetchRequest,
  output: BlobOutput,
  get: BlobGet,
  signal?: AbortSignal,
): Promise<Outcome> {
  const verifier = new ContentVerifier(job);
  let furthest = -1;
  let stalls = 0;
  let isBlob = false;
  let refusal: Uint8Array = new Uint8Array();

  const restart = (): void => {
    output.uncount(verifier.received);
    verifier.reset();
  };
  const sink: BlobSink = {
    onHead: (head) => {
      isBlob = head.status === 200 || head.status === 206;
      refusal = new Uint8Array();
      if (head.status === 200) restart();
      if (head.status === 206 && !continuesAt(head, verifier.received)) {
        throw new Error("the server returned another range than requested");
      }
    },
    onData: (chunk) => {
      if (!isBlob) {
        const more = chunk.subarray(0, REFUSAL_BYTES - refusal.length);
        refusal = Buffer.concat([refusal, more]);
        return;
      }
      const at = verifier.received;
      if (!verifier.update(chunk)) throw new Error(`more than the ${job.size} bytes in the manifest`);
      return output.write(chunk, job.offset + at);
    },
  };

  for (;;) {
    const { received } = verifier;
    let url = job.url;
    let failure: { readonly code: string; readonly message: string };
    try {
      const headers = received > 0 ? { ...job.headers, range: `bytes=${received}-` } : job.headers;
      const answer = await get(new URL(job.url), headers, sink);
      url = answer.url.href;
      if (answer.head.status !== 200 && answer.head.status !== 206) {
        output.uncount(verifier.received);
        return { kind: "answered", url, ...answer.head, body: refusal };
      }
      failure = { code: "", message: "the body ended early" };
    } catch (cause) {
      signal?.throwIfAborted();
      if (output.failure !== undefined) return output.failure;
      if (cause instanceof UnreadableBody) {
        output.uncount(verifier.received);
        return { kind: "unreadable" };
      }
      if (isBug(cause)) throw cause;
      const { code = "", message } = cause as NodeJS.ErrnoException;
      failure = { code, message };
    }
    const fault = verifier.findFault();
    if (fault === undefined) return { kind: "done" };
    if (fault.kind === "digest") {
      output.uncount(verifier.received);
      return { kind: "wrong", actual: fault.actual };
    }
    stalls = verifier.received > furthest ? 0 : stalls + 1;
    furthest = Math.max(furthest, verifier.received);
    if (stalls >= (failure.code === "ETIMEDOUT" ? TIMED_OUT_LIMIT : STALL_LIMIT)) {
      output.uncount(verifier.received);
      const message = `${failure.message} (${verifier.received} of ${job.size} bytes received)`;
      return { kind: "broken", url, code: failure.code, message };
    }
  }
}

/**
 * Returns a BlobGet that uses the HTTP client, for servers behind proxies and for all encodings.
 * Waits for the sink after each chunk.
 */
export function clientGet(http: HttpClient, signal: AbortSignal): BlobGet {
  return (requestUrl, headers, sink) =>
    http.receiveOnce(
      { method: "GET", url: requestUrl, headers },
      async ({ url, status, headers: responseHeaders, body }) => {
        const head = { status, headers: responseHeaders };
        sink.onHead(head);
        for await (const chunk of body) await sink.onData(chunk);
        return { url, head };
      },
      signal,
    );
}

function continuesAt(head: ResponseHead, offset: number): boolean {
  return new RegExp(`^bytes ${offset}-`).test(head.headers["content-range"] ?? "");
}
