// Small HTTP answers: retries, back-off per host, redirects, TLS, proxies and redaction. Large bodies take another way (../blobs).
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import pLimit, { type LimitFunction } from "p-limit";
import { proxyFor } from "./proxy.js";
import { retryDelayMs, type TryOutcome } from "./retry.js";
import { directTransport, proxyTransport, type Transport } from "./transport.js";
import type { TlsSettings } from "./tls.js";

/** What an HttpClient is made with. */
export interface HttpOptions {
  /** PEM certificates to trust besides the system's. */
  readonly ca: readonly string[];
  /** Hosts, with port where the URL has one, whose certificate is not checked. */
  readonly insecure: ReadonlySet<string>;
  /** Requests that one host gets at a time. */
  readonly concurrency: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The first wait before another try; for tests. */
  readonly firstDelayMs?: number;
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
  /** A longer body is cut off and marks the answer as `tooLong`. */
  readonly limitBytes: number;
}

/** An answer with its whole body; header names are lower case. */
export interface HttpAnswer {
  /** What answered, after redirects. */
  readonly url: URL;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
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

const REDIRECT_LIMIT = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const USER_AGENT = "viola-airgap";

interface HostState {
  readonly limit: LimitFunction;
  /** Nobody asks this host before this time (milliseconds since 1970). */
  pausedUntil: number;
}

/** Sends requests whose answers fit into memory. Close it when done. */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #transports = new Map<string, Promise<Transport>>();
  readonly #hosts = new Map<string, HostState>();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * Sends the request and returns whatever the server answers in the end.
   * 408, 429, 5xx and dropped connections are tried again a few times, after Retry-After where it is given; meanwhile nothing else goes to
   * that host. Redirects of GET and HEAD are followed. Authorization goes to the first origin only (distribution spec, "Pulling blobs").
   * Throws `ConnectionFailure` when nothing answers, and the signal's reason.
   */
  async send(asked: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    let current = asked;
    for (let hops = 0; ; hops++) {
      const answer = await this.#sendWithRetries(current, signal);
      const location = answer.headers["location"];
      const follows =
        REDIRECTS.has(answer.status) && /^(?:GET|HEAD)$/.test(asked.method) && hops < REDIRECT_LIMIT;
      if (!follows || location === undefined || !URL.canParse(location, current.url.href)) return answer;
      const url = new URL(location, current.url);
      if (!/^https?:$/.test(url.protocol)) return answer;
      const { authorization, ...bare } = asked.headers;
      const mayKnow = url.origin === asked.url.origin && authorization !== undefined;
      current = { ...asked, url, headers: mayKnow ? { ...bare, authorization } : bare };
    }
  }

  /** How to reach the URL's host over TLS. */
  tlsFor(url: URL): TlsSettings {
    const { ca, insecure } = this.#options;
    return { rejectUnauthorized: !insecure.has(url.host), ...(ca.length > 0 && { ca }) };
  }

  /** Returns the proxy of the environment that stands before the URL. */
  findProxy(url: URL): string | undefined {
    return proxyFor(url, this.#options.env);
  }

  /** Closes idle connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#transports.values()].map(async (transport) => (await transport).close()));
    this.#transports.clear();
  }

  async #sendWithRetries(asked: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const host = this.#hostState(asked.url);
    for (let tries = 1; ; tries++) {
      let outcome: TryOutcome;
      let end: { readonly answer: HttpAnswer } | { readonly failure: ConnectionFailure };
      try {
        const answer = await host.limit(async () => {
          await waitUntil(host, signal);
          return this.#sendOnce(asked, signal);
        });
        outcome = { status: answer.status, retryAfter: answer.headers["retry-after"] };
        end = { answer };
      } catch (cause) {
        signal.throwIfAborted();
        const failure = new ConnectionFailure(asked.url, cause);
        outcome = { errorCode: failure.code };
        end = { failure };
      }
      const isOnce = asked.body instanceof Readable;
      const delay = isOnce ? undefined : retryDelayMs(outcome, tries, Date.now(), this.#options.firstDelayMs);
      if (delay === undefined) {
        if ("answer" in end) return end.answer;
        throw end.failure;
      }
      host.pausedUntil = Math.max(host.pausedUntil, Date.now() + delay);
    }
  }

  async #sendOnce(
    { url, headers, limitBytes, ...rest }: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const transport = await this.#transport(url);
    // A digest is that of the bytes as stored: no encoding on the way.
    const sent = { "user-agent": USER_AGENT, "accept-encoding": "identity", ...headers };
    const response = await transport.send({ ...rest, url, headers: sent }, signal);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const bytes of response.body) {
      length += bytes.length;
      // Leaving the loop ends the connection.
      if (length > limitBytes) break;
      chunks.push(bytes);
    }
    return {
      url,
      status: response.status,
      headers: flatten(response.headers),
      body: Buffer.concat(chunks),
      tooLong: length > limitBytes,
    };
  }

  #hostState(url: URL): HostState {
    const known = this.#hosts.get(url.host) ?? { limit: pLimit(this.#options.concurrency), pausedUntil: 0 };
    this.#hosts.set(url.host, known);
    return known;
  }

  #transport(url: URL): Promise<Transport> {
    const tls = this.tlsFor(url);
    const proxy = this.findProxy(url);
    const key = `${tls.rejectUnauthorized} ${proxy ?? ""}`;
    const transport =
      this.#transports.get(key) ??
      (proxy === undefined ? Promise.resolve(directTransport(tls)) : proxyTransport(proxy, tls));
    this.#transports.set(key, transport);
    return transport;
  }
}

/** Query values that may be shown; anything else may be a signature or a token (internal/redact of go-containerregistry). */
const HARMLESS_QUERY = new Set(["scope", "service", "ns"]);

/** Returns the URL without user, password, and query values that may be secret. */
export function redactUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.hash = "";
  for (const name of new Set(shown.searchParams.keys())) {
    if (!HARMLESS_QUERY.has(name)) shown.searchParams.set(name, "REDACTED");
  }
  return shown.href;
}

async function waitUntil(host: HostState, signal: AbortSignal): Promise<void> {
  for (let wait = host.pausedUntil - Date.now(); wait > 0; wait = host.pausedUntil - Date.now()) {
    await sleep(wait, undefined, { signal });
  }
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );
}

/** Connection errors wrap one another; the innermost says what happened. */
function innermost(cause: unknown): { readonly code: string; readonly message: string } {
  if (!(cause instanceof Error)) return { code: "", message: String(cause) };
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  if (inner instanceof Error) return innermost(inner);
  // OpenSSL's message has line breaks and places in its own source; its reason is what one wants to read.
  const { code = "", reason = cause.message } = cause as Error & { code?: string; reason?: string };
  return { code, message: reason.replace(/\s+/g, " ").trim() || code };
}
