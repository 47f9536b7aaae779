// Fetches one blob into its place: resumption after a broken connection, size and digest. How a request is sent is not its business.
import { ContentVerifier } from "../../core/oci/verifier.js";
import { isBug } from "../../errors.js";
import type { HttpClient } from "../http/client.js";
import type { FetchJob, Outcome } from "./blob-messages.js";
import { UnreadableBody, type ResponseHead } from "./http-connection.js";

/** What a fetched blob is written to. */
export interface BlobOutput {
  /** Why the last write failed, where the output knows it as a job's outcome. */
  readonly failure: (Outcome & { readonly kind: "unusable" }) | undefined;
  /** Writes the block, a view that is valid until this returns or resolves, at the offset. Throws when that is impossible. */
  write(block: Uint8Array, offset: number): void | Promise<void>;
  /** Takes back bytes that will be moved again or not at all. */
  uncount(bytes: number): void;
}

/** Receives answers: redirects, and the last one with its body. */
export interface BlobSink {
  onHead(head: ResponseHead): void;
  /** The chunk is a view that is valid until this returns or resolves. */
  onData(chunk: Uint8Array): void | Promise<void>;
}

/**
 * Sends a GET, follows redirects and gives every answer to the sink. Resolves to what answered in the end.
 * Throws `UnreadableBody`, what the sink throws, and the connection's own errors.
 */
export type BlobGet = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  sink: BlobSink,
) => Promise<{ readonly url: URL; readonly head: ResponseHead }>;

/** How often in a row a connection may break without a byte of progress. */
const STALL_LIMIT = 3;
/** Enough of a refusal to say why. */
const REFUSAL_BYTES = 4096;

/**
 * Runs the job and says how it ended; never throws for what a server or the network did. Throws the signal's reason.
 *
 * A broken body is continued with Range where the server supports it and started anew where it answers 200; the redirect is asked
 * for again each time, since signed addresses expire.
 */
export async function fetchBlob(
  job: FetchJob,
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
        throw new Error("the server continued at another place than asked for");
      }
    },
    onData: (chunk) => {
      if (!isBlob) {
        const more = chunk.subarray(0, REFUSAL_BYTES - refusal.length);
        refusal = Buffer.concat([refusal, more]);
        return;
      }
      const at = verifier.received;
      if (!verifier.update(chunk))
        throw new Error(`more than the ${job.size} bytes that the manifest states`);
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
      failure = { code: "", message: `the body ends after ${verifier.received} of ${job.size} bytes` };
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
    if (stalls >= STALL_LIMIT) {
      output.uncount(verifier.received);
      return { kind: "broken", url, ...failure };
    }
  }
}

/** Sends the requests of a blob with the client: through proxies, and for bodies of any form. Waits for the sink between chunks. */
export function clientGet(http: HttpClient, signal: AbortSignal): BlobGet {
  return (asked, headers, sink) =>
    http.receiveOnce(
      { method: "GET", url: asked, headers },
      async ({ url, status, headers: answered, body }) => {
        const head = { status, headers: answered };
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
