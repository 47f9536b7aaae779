// Fetches one blob into its place in the output file: redirects, resumption after a broken connection, size and digest.
import { createHash } from "node:crypto";
import { rootCertificates } from "node:tls";
import type { FetchJob, Outcome } from "./blob-messages.js";
import { HttpConnection, UnreadableBody, type ResponseHead, type ResponseSink } from "./http-connection.js";
import type { OutputFile } from "./output-file.js";

/** What a fetched blob is written to. */
export type BlobOutput = Pick<OutputFile, "write" | "uncount" | "failure">;

const REDIRECT_LIMIT = 5;
/** How often in a row a connection may break without a byte of progress. */
const STALL_LIMIT = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** What one request of a job is sent with. */
type HopRequest = Pick<FetchJob, "headers" | "tls" | "proxy">;

/** The connections of one thread. */
export interface Connections {
  /** Those kept alive that nobody uses at the moment, by origin. */
  readonly idle: Map<string, HttpConnection[]>;
  /** What all of them read through. */
  readonly block: Buffer;
}

/**
 * Runs the job and says how it ended; never throws for what a server or the network did.
 *
 * A broken body is continued with Range where the server supports it and started anew where it answers 200; the redirect is asked for again each
 * time, since presigned addresses expire. Authorization never follows a redirect to another origin (distribution spec, "Pulling blobs").
 */
export async function fetchBlob(
  job: FetchJob,
  output: BlobOutput,
  connections: Connections,
): Promise<Outcome> {
  let hash = createHash("sha256");
  let received = 0;
  let furthest = -1;
  let stalls = 0;

  const restart = (): void => {
    output.uncount(received);
    hash = createHash("sha256");
    received = 0;
  };
  const newSink = (): ResponseSink => {
    let isBlob = false;
    return {
      onHead: (head) => {
        isBlob = head.status === 200 || head.status === 206;
        if (head.status === 200) restart();
        if (head.status === 206 && !continuesAt(head, received)) {
          throw new Error("the server continued at another place than asked for");
        }
      },
      onData: (chunk) => {
        if (!isBlob) return;
        if (received + chunk.length > job.size)
          throw new Error(`more than the ${job.size} bytes that the manifest states`);
        hash.update(chunk);
        output.write(chunk, job.offset + received);
        received += chunk.length;
      },
    };
  };

  for (;;) {
    let url = job.url;
    let failure: { readonly code: string; readonly message: string };
    try {
      const headers = received > 0 ? { ...job.headers, range: `bytes=${received}-` } : job.headers;
      const answer = await getRedirected(job, headers, newSink, connections);
      url = answer.url;
      if (answer.head.status !== 200 && answer.head.status !== 206) {
        output.uncount(received);
        return { kind: "answered", url, ...answer.head };
      }
      failure = { code: "", message: `the body ends after ${received} of ${job.size} bytes` };
    } catch (cause) {
      if (output.failure !== undefined) return output.failure;
      const { code = "", message } = cause as NodeJS.ErrnoException;
      failure = { code, message };
    }
    if (received === job.size) break;
    stalls = received > furthest ? 0 : stalls + 1;
    furthest = Math.max(furthest, received);
    if (stalls >= STALL_LIMIT) {
      output.uncount(received);
      return { kind: "broken", url, ...failure };
    }
  }
  const actual = `sha256:${hash.digest("hex")}`;
  if (actual === job.digest) return { kind: "done" };
  output.uncount(received);
  return { kind: "wrong", actual };
}

/** Follows redirects, with Authorization for the first origin only. */
async function getRedirected(
  job: FetchJob,
  headers: Readonly<Record<string, string>>,
  newSink: () => ResponseSink,
  connections: Connections,
): Promise<{ readonly url: string; readonly head: ResponseHead }> {
  const first = new URL(job.url);
  let url = first;
  for (let hops = 0; ; hops++) {
    const isFirst = url.origin === first.origin;
    // What was said of the first server holds for that one only: its credentials, and leave not to check its certificate.
    const request: HopRequest = {
      ...job,
      headers: isFirst ? headers : withoutAuthorization(headers),
      tls: isFirst ? job.tls : { ...job.tls, rejectUnauthorized: true },
    };
    const head = await get(url, request, newSink(), connections);
    const location = head.headers["location"];
    if (!REDIRECTS.has(head.status) || location === undefined || hops === REDIRECT_LIMIT)
      return { url: url.href, head };
    url = new URL(location, url);
  }
}

async function get(
  url: URL,
  request: HopRequest,
  sink: ResponseSink,
  connections: Connections,
): Promise<ResponseHead> {
  if (request.proxy !== undefined) return getThroughClient(url, request, sink);
  try {
    return await getOverSocket(url, request, sink, connections);
  } catch (cause) {
    if (!(cause instanceof UnreadableBody)) throw cause;
    return getThroughClient(url, request, sink);
  }
}

async function getOverSocket(
  url: URL,
  { headers, tls }: HopRequest,
  sink: ResponseSink,
  { idle, block }: Connections,
): Promise<ResponseHead> {
  const waiting = idle.get(url.origin) ?? [];
  idle.set(url.origin, waiting);
  for (;;) {
    const kept = waiting.pop();
    if (kept?.usable === false) continue;
    const connection = kept ?? new HttpConnection(url, tls, block);
    try {
      const head = await connection.get(url.pathname + url.search, headers, sink);
      if (connection.usable) waiting.push(connection);
      return head;
    } catch (cause) {
      // A server may close an idle connection at the very moment it is used again: nothing was answered, so ask on another.
      if (kept === undefined || connection.answered) throw cause;
    }
  }
}

/** The way through a proxy and for bodies of unknown length: slower, and not ours to maintain. Loaded when first needed: it is large. */
async function getThroughClient(
  url: URL,
  { headers, tls, proxy }: HopRequest,
  sink: ResponseSink,
): Promise<ResponseHead> {
  // A bundled CommonJS package has its default export alone.
  const { Agent, ProxyAgent, request } = (await import("undici")).default;
  const { rejectUnauthorized, ca } = tls;
  const connect = { rejectUnauthorized, ...(ca !== undefined && { ca: [...rootCertificates, ...ca] }) };
  const dispatcher =
    proxy === undefined
      ? new Agent({ connect })
      : new ProxyAgent({ uri: proxy, requestTls: connect, proxyTunnel: false });
  try {
    const answer = await request(url, { dispatcher, headers: { ...headers, "accept-encoding": "identity" } });
    const named = Object.entries(answer.headers).map(
      ([name, value]) => [name, [value ?? ""].flat().join(", ")] as const,
    );
    const head = { status: answer.statusCode, headers: Object.fromEntries(named) };
    sink.onHead(head);
    for await (const chunk of answer.body) sink.onData(chunk as Buffer);
    return head;
  } finally {
    await dispatcher.destroy();
  }
}

function continuesAt(head: ResponseHead, offset: number): boolean {
  return new RegExp(`^bytes ${offset}-`).test(head.headers["content-range"] ?? "");
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization"),
  );
}
