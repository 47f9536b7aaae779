// Sends requests: limits per host, retries with back-off, redirects, redaction. Everything that speaks HTTP goes through here, but for
// the bodies of blobs that worker threads read off raw sockets (../blobs).
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

/** What an HttpClient is made with. */
export interface HttpOptions {
  readonly settings: HttpSettings;
  /** Requests that one host, and one proxy, gets at a time. */
  readonly concurrency: number;
  /** The first wait before another try; for tests. */
  readonly firstDelayMs?: number;
  /** Is notified of every request when its body has been read or left. */
  readonly onActivity?: OnActivity | undefined;
}

/** One request; header names are lower case. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream can be sent once: a request with one is tried once. */
  readonly body?: string | Uint8Array | Readable;
  /** How long nothing may move, where that is not the usual time. */
  readonly timeoutMs?: number;
}

/** The answer to a request after redirects; header names are lower case. */
export interface HttpResponse extends Omit<TransportResponse, "close"> {
  /** What answered. */
  readonly url: URL;
}

/** An answer with its whole body; header names are lower case. */
export interface HttpAnswer extends Omit<HttpResponse, "body"> {
  readonly body: Uint8Array;
  /** True when the body was longer than the limit; `body` is its beginning then. */
  readonly tooLong: boolean;
}

/** No answer: the connection failed. The message says how, in one line, and is safe to show. */
export class ConnectionFailure extends Error {
  readonly url: URL;
  readonly code: string;

  constructor(url: URL, cause: unknown) {
    const { code, message } = innermost(cause);
    super(message, { cause });
    this.url = url;
    this.code = code;
  }

  /** True when the server speaks TLS but its certificate is not trusted. */
  get isCertificateRefused(): boolean {
    return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(this.code);
  }
}

/** A body that nobody wants is read when it is short, so that the connection can be used again. */
const UNUSED_BODY_BYTES = 64 * 1024;

/** How one try ended: with an answer that was read, or with a failure after which the host may be asked again. */
type TryEnd<T> = { readonly value: T } | { readonly host: string; readonly delayMs: number };

/** Sends requests over connections that are kept. Close it when done. */
export class HttpClient {
  readonly settings: HttpSettings;
  /** See `HttpOptions`. */
  readonly onActivity: OnActivity | undefined;
  readonly #options: HttpOptions;
  readonly #transport: Transport;
  /** By proxy, or by host where it is reached directly. */
  readonly #limits = new Map<string, LimitFunction>();
  /** When a host may be asked again (milliseconds since 1970). */
  readonly #pauses = new Map<string, number>();

  constructor(options: HttpOptions) {
    this.settings = options.settings;
    this.onActivity = options.onActivity;
    this.#options = options;
    this.#transport = new Transport(options.settings, options.concurrency);
  }

  /** Does what `receive` does and returns the answer with at most `limitBytes` of its body. */
  send(asked: HttpRequest, limitBytes: number, signal: AbortSignal): Promise<HttpAnswer> {
    return this.receive(asked, (response) => readAnswer(response, limitBytes), signal);
  }

  /**
   * Sends the request until an answer is final, gives that one to `read` and resolves to what `read` returns. 408, 429, 5xx, dropped
   * connections and signed addresses that have expired are tried again a few times, after Retry-After where it is given; meanwhile
   * nothing else goes to that host. Every try begins at the first URL, and `read` is called again when the connection fails under it.
   * Throws as `receiveOnce` does.
   */
  async receive<T>(
    asked: HttpRequest,
    read: (response: HttpResponse) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const limit = this.#limitFor(asked.url);
    for (let tries = 1; ; tries++) {
      const end = await limit(() => this.#try(asked, tries, read, signal));
      if ("value" in end) return end.value;
      this.#pauses.set(end.host, Math.max(this.#pauses.get(end.host) ?? 0, Date.now() + end.delayMs));
      await this.#waitFor(end.host, signal);
    }
  }

  /**
   * Sends the request once and gives the answer, after redirects of GET and HEAD, to `read`, which reads its body to the end or leaves
   * it. There is no limit on how many go on at a time. Authorization goes to the first origin only. Resolves to what `read` returns.
   * Throws `ConnectionFailure` when nothing answers or the connection fails while `read` takes chunks, `SETTINGS_INVALID` for an
   * unusable proxy, and the signal's reason.
   */
  async receiveOnce<T>(
    asked: HttpRequest,
    read: (response: HttpResponse) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    for (let hop = firstHop(asked.url, { ...BASE_HEADERS, ...asked.headers }); ;) {
      const { url } = hop;
      await this.#waitFor(url.host, signal);
      const response = await this.#sendOnce({ ...asked, url, headers: headersOf(hop) }, signal);
      const next = /^(?:GET|HEAD)$/.test(asked.method) ? nextHop(hop, response) : undefined;
      if (next === undefined) return await read({ ...response, url }).finally(response.close);
      await readStart(response.body, UNUSED_BODY_BYTES);
      hop = next;
    }
  }

  /** Returns the proxy of the environment that stands before the URL. Throws `SETTINGS_INVALID` for one that cannot be used. */
  findProxy(url: URL): URL | undefined {
    return proxyFor(url, this.settings.env);
  }

  /** Ends all connections. */
  close(): Promise<void> {
    this.#transport.close();
    return Promise.resolve();
  }

  /** Returns what `read` made of the answer, or when the host that failed may be asked again. */
  async #try<T>(
    asked: HttpRequest,
    tries: number,
    read: (response: HttpResponse) => Promise<T>,
    signal: AbortSignal,
  ): Promise<TryEnd<T>> {
    const delayAfter = (outcome: TryOutcome): number | undefined =>
      asked.body instanceof Readable
        ? undefined
        : retryDelayMs(outcome, tries, Date.now(), this.#options.firstDelayMs);
    const readFinal = async (response: HttpResponse): Promise<TryEnd<T>> => {
      const { status, headers, url, body } = response;
      const isRedirected = url.href !== asked.url.href;
      const delayMs = delayAfter({ status, retryAfter: headers["retry-after"], isRedirected });
      if (delayMs === undefined) return { value: await read(response) };
      await readStart(body, UNUSED_BODY_BYTES);
      return { host: url.host, delayMs };
    };
    try {
      return await this.receiveOnce(asked, readFinal, signal);
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
  return cause instanceof ViolaError || isBug(cause) ? cause : new ConnectionFailure(url, cause);
}

async function readAnswer({ body, ...head }: HttpResponse, limitBytes: number): Promise<HttpAnswer> {
  const encoding = head.headers["content-encoding"];
  const bytes = decode(await readStart(body, limitBytes + 1), encoding, limitBytes + 1);
  const tooLong = bytes.length > limitBytes;
  return { ...head, body: tooLong ? bytes.subarray(0, limitBytes) : bytes, tooLong };
}

/**
 * Some servers compress although they were asked not to, and some say so of bytes that are not compressed. A body that cannot be
 * decompressed, or not within the limit, is left as it is.
 */
function decode(bytes: Buffer, encoding: string | undefined, limitBytes: number): Buffer {
  if (encoding !== "gzip" || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: limitBytes });
  } catch {
    return bytes;
  }
}

/** Reads the beginning of a body: a whole chunk more than so many bytes at most. Leaving the rest ends the connection. */
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

/** Connection errors wrap one another; the innermost says what happened. */
function innermost(cause: unknown): { readonly code: string; readonly message: string } {
  if (!(cause instanceof Error)) return { code: "", message: String(cause) };
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  if (inner instanceof Error) return innermost(inner);
  // OpenSSL's message has line breaks and places in its own source; its reason is what one wants to read.
  const { code = "", reason = cause.message } = cause as Error & { code?: string; reason?: string };
  return { code, message: reason.replace(/[\s\p{Cc}]+/gu, " ").trim() || code };
}
