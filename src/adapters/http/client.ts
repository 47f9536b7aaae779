// Sends HTTP requests with limits per host, retries and redirects. All HTTP requests use this client,
// except those of the worker threads that read blobs from raw sockets (../blobs).
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import pLimit, { type LimitFunction } from "p-limit";
import type { OnActivity } from "../../core/activity.js";
import { isBug, ViolaError } from "../../errors.js";
import { proxyFor } from "./proxy.js";
import { firstHop, headersOf, nextHop } from "./redirect.js";
import { requestReporter } from "./request-reporter.js";
import { retryDelayMs, type TryOutcome } from "./retry.js";
import { BASE_HEADERS, type HttpSettings } from "./settings.js";
import { Transport, type TransportResponse } from "./transport.js";

/** The options of an HttpClient. */
export interface HttpOptions {
  readonly settings: HttpSettings;
  /** The number of simultaneous requests to one host or proxy. */
  readonly concurrency: number;
  /** The delay before the first retry. For tests. */
  readonly firstDelayMs?: number;
  /** Is notified of every request when its body has been read or left. */
  readonly onActivity?: OnActivity | undefined;
}

/** A request. Header names are in lower case. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A request with a stream is not retried, because a stream can be sent only once. */
  readonly body?: string | Uint8Array | Readable;
  /** How much longer than the stall timeout the server may take to respond to the whole request. */
  readonly extraAnswerMs?: number;
}

/** The response to a request after redirects. Header names are in lower case. */
export interface HttpResponse extends Omit<TransportResponse, "close"> {
  /** The URL that sent the response. */
  readonly url: URL;
}

/** A response with its whole body. Header names are in lower case. */
export interface HttpAnswer extends Omit<HttpResponse, "body"> {
  readonly body: Uint8Array;
  /** True when the body exceeded the limit. `body` is its beginning in that case. */
  readonly tooLong: boolean;
}

/** The connection failed before a complete response. The message is one line without secrets. */
export class ConnectionFailure extends Error {
  readonly url: URL;
  readonly code: string;

  constructor(url: URL, cause: unknown) {
    const { code, message } = describe(innermost(cause));
    super(message, { cause });
    this.url = url;
    this.code = code;
  }

  /** True when the server speaks TLS but its certificate is not trusted. */
  get isCertificateRefused(): boolean {
    return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(this.code);
  }
}

/** An unused body up to this size is read, so that the connection can be reused. */
const UNUSED_BODY_BYTES = 64 * 1024;

/** The result of one try: the value that was read, or the delay before the next try. */
type TryEnd<T> = { readonly value: T } | { readonly host: string; readonly delayMs: number };

/** Sends requests over persistent connections. The caller closes it. */
export class HttpClient {
  readonly settings: HttpSettings;
  /** See `HttpOptions`. */
  readonly onActivity: OnActivity | undefined;
  readonly #options: HttpOptions;
  readonly #transport: Transport;
  /** By proxy, or by host for direct connections. */
  readonly #limits = new Map<string, LimitFunction>();
  /** The time of the next request to a host, in milliseconds since 1970. */
  readonly #pauses = new Map<string, number>();

  constructor(options: HttpOptions) {
    this.settings = options.settings;
    this.onActivity = options.onActivity;
    this.#options = options;
    this.#transport = new Transport(options.settings, options.concurrency);
  }

  /** Sends the request as `receive` does, and reads at most `limitBytes` of the body. */
  send(request: HttpRequest, limitBytes: number, signal: AbortSignal): Promise<HttpAnswer> {
    return this.receive(request, (response) => readAnswer(response, limitBytes), signal);
  }

  /**
   * Sends the request until the response is final, and returns the result of `read` for this
   * response. Retries a few times after 408, 429, 5xx, a dropped connection or an expired signed
   * URL, after the time in Retry-After if present. In the meantime, no other request is sent to the
   * host. Each try begins at the first URL. `read` is called again when the connection fails while
   * it reads.
   * Throws the errors of `receiveOnce`.
   */
  async receive<T>(
    request: HttpRequest,
    read: (response: HttpResponse) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const limit = this.#limitFor(request.url);
    for (let tries = 1; ; tries++) {
      const end = await limit(() => this.#try(request, tries, read, signal));
      if ("value" in end) return end.value;
      this.#pauses.set(end.host, Math.max(this.#pauses.get(end.host) ?? 0, Date.now() + end.delayMs));
      await this.#waitFor(end.host, signal);
    }
  }

  /**
   * Sends the request once, without a limit on simultaneous requests. Follows redirects of GET and
   * HEAD, and sends Authorization only to the first origin. Returns the result of `read`, which may
   * leave the body unread.
   * Throws `ConnectionFailure` when there is no response or the connection fails while `read` reads
   * the body, `SETTINGS_INVALID` for an unusable proxy, and the signal's reason.
   */
  async receiveOnce<T>(
    request: HttpRequest,
    read: (response: HttpResponse) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    for (let hop = firstHop(request.url, { ...BASE_HEADERS, ...request.headers }); ;) {
      const { url } = hop;
      await this.#waitFor(url.host, signal);
      const response = await this.#sendOnce({ ...request, url, headers: headersOf(hop) }, signal);
      const next = /^(?:GET|HEAD)$/.test(request.method) ? nextHop(hop, response) : undefined;
      if (next === undefined) return await read({ ...response, url }).finally(response.close);
      await readStart(response.body, UNUSED_BODY_BYTES);
      hop = next;
    }
  }

  /** Returns the environment's proxy for the URL. Throws `SETTINGS_INVALID` if it is unusable. */
  findProxy(url: URL): URL | undefined {
    return proxyFor(url, this.settings.env);
  }

  /** Closes all connections. */
  close(): Promise<void> {
    this.#transport.close();
    return Promise.resolve();
  }

  /** Returns the result of `read`, or the host and the delay before the next try. */
  async #try<T>(
    request: HttpRequest,
    tries: number,
    read: (response: HttpResponse) => Promise<T>,
    signal: AbortSignal,
  ): Promise<TryEnd<T>> {
    const delayAfter = (outcome: TryOutcome): number | undefined =>
      request.body instanceof Readable
        ? undefined
        : retryDelayMs(outcome, tries, Date.now(), this.#options.firstDelayMs);
    const readFinal = async (response: HttpResponse): Promise<TryEnd<T>> => {
      const { status, headers, url, body } = response;
      const isRedirected = url.href !== request.url.href;
      const delayMs = delayAfter({ status, retryAfter: headers["retry-after"], isRedirected });
      if (delayMs === undefined) return { value: await read(response) };
      await readStart(body, UNUSED_BODY_BYTES);
      return { host: url.host, delayMs };
    };
    try {
      return await this.receiveOnce(request, readFinal, signal);
    } catch (cause) {
      if (!(cause instanceof ConnectionFailure)) throw cause;
      const delayMs = delayAfter({ errorCode: cause.code });
      if (delayMs === undefined) throw cause;
      return { host: cause.url.host, delayMs };
    }
  }

  async #sendOnce(request: HttpRequest, signal: AbortSignal): Promise<TransportResponse> {
    const { url, method } = request;
    const report = requestReporter(method, url, this.onActivity);
    try {
      const { body, close, ...head } = await this.#transport.send(request, signal);
      const { status } = head;
      let bytes = 0;
      const onChunk = (length: number): void => {
        bytes += length;
      };
      const onEnd = (): void => {
        report({ status, bytes });
      };
      return {
        ...head,
        body: withFailures(body, { url, onChunk, onEnd }, signal),
        close: () => {
          onEnd();
          close();
        },
      };
    } catch (cause) {
      const failure = toFailure(cause, url, signal);
      report({ failure: failure instanceof Error ? failure.message : String(failure), bytes: 0 });
      throw failure;
    }
  }

  #limitFor(url: URL): LimitFunction {
    const key = this.findProxy(url)?.host ?? url.host;
    const limit = this.#limits.get(key) ?? pLimit(this.#options.concurrency);
    this.#limits.set(key, limit);
    return limit;
  }

  async #waitFor(host: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const wait = (this.#pauses.get(host) ?? 0) - Date.now();
      if (wait <= 0) return;
      // The signal's own reason is thrown above.
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Where a body comes from, and who counts it. */
interface BodyOrigin {
  readonly url: URL;
  readonly onChunk: (bytes: number) => void;
  readonly onEnd: () => void;
}

async function* withFailures(
  chunks: AsyncIterable<Uint8Array>,
  { url, onChunk, onEnd }: BodyOrigin,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of chunks) {
      onChunk(chunk.length);
      yield chunk;
    }
  } catch (cause) {
    throw toFailure(cause, url, signal);
  } finally {
    onEnd();
  }
}

function toFailure(cause: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return cause instanceof ViolaError || isBug(cause) ? cause : connectionError(url, cause);
}

/** The process, or the system, has too many open files. */
const LIMITS = new Set<unknown>(["EMFILE", "ENFILE"]);

/**
 * Returns a `ConnectionFailure`, or the error of the system when this machine allows no further
 * connection. No server is responsible for that, so no other place is tried.
 */
export function connectionError(url: URL, cause: unknown): Error {
  const inner = innermost(cause);
  const isOfThisMachine = inner instanceof Error && "code" in inner && LIMITS.has(inner.code);
  return isOfThisMachine ? inner : new ConnectionFailure(url, cause);
}

async function readAnswer({ body, ...head }: HttpResponse, limitBytes: number): Promise<HttpAnswer> {
  const encoding = head.headers["content-encoding"];
  const bytes = decode(await readStart(body, limitBytes + 1), encoding, limitBytes + 1);
  const tooLong = bytes.length > limitBytes;
  return { ...head, body: tooLong ? bytes.subarray(0, limitBytes) : bytes, tooLong };
}

/**
 * Some servers compress a body although the request forbids it, and some declare an uncompressed
 * body as compressed. Returns a body unchanged when it cannot be decompressed within the limit.
 */
function decode(bytes: Buffer, encoding: string | undefined, limitBytes: number): Buffer {
  if (encoding !== "gzip" || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: limitBytes });
  } catch {
    return bytes;
  }
}

/** Reads chunks until there are `bytes` bytes or more. An unread rest ends the connection. */
export async function readStart(chunks: AsyncIterable<Uint8Array>, bytes: number): Promise<Buffer> {
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    read.push(chunk);
    length += chunk.length;
    if (length >= bytes) break;
  }
  return Buffer.concat(read);
}

/** Connection errors are nested. The innermost one states the reason. */
function innermost(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  return inner instanceof Error ? innermost(inner) : cause;
}

function describe(cause: unknown): { readonly code: string; readonly message: string } {
  if (!(cause instanceof Error)) return { code: "", message: String(cause) };
  // OpenSSL's message contains line breaks and positions in its source. Its reason is readable.
  const { code = "", reason = cause.message } = cause as Error & { code?: string; reason?: string };
  return { code, message: reason.replace(/[\s\p{Cc}]+/gu, " ").trim() || code };
}
