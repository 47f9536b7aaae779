// Sends one HTTP request with the client of Node.js, over persistent connections and proxies.
import {
  Agent as HttpAgent,
  request as requestPlain,
  type ClientRequest,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as requestTls, type RequestOptions } from "node:https";
import { Readable } from "node:stream";
import { isSystemError, systemErrorCode } from "../../errors.js";
import { proxyFor } from "./proxy.js";
import type { HttpSettings } from "./settings.js";
import { DEFAULT_STALL_TIMEOUT_MS, stallError } from "./stall.js";
import { Certificates } from "./tls.js";
import { proxyAuthorization, TunnelAgent } from "./tunnel.js";

/** A request. Header names are in lower case. */
export interface TransportRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream requires a Content-Length header. */
  readonly body?: string | Uint8Array | Readable;
  /** How much longer than the stall timeout the server may take to respond to the whole request. */
  readonly extraAnswerMs?: number;
}

/** A response. The caller may read its body, and closes it. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection unless the whole body was read. */
  readonly close: () => void;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Errors of connections that were never open. */
const NOT_CONNECTED = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"];

type Start = (answered: (response: IncomingMessage) => void) => ClientRequest;

/** Agents for requests through one proxy. */
interface ProxyAgents {
  /** Sends requests for http:// URLs to the proxy. */
  readonly plain: HttpAgent;
  /** Opens tunnels through the proxy for https:// URLs. */
  readonly tunnels: TunnelAgent;
}

/** Sends requests. A connection serves one request at a time. `close` closes all connections. */
export class Transport {
  readonly certificates: Certificates;
  readonly #settings: HttpSettings;
  readonly #connections: number;
  readonly #plain = new HttpAgent({ keepAlive: true });
  readonly #secure = new HttpsAgent({ keepAlive: true });
  readonly #proxies = new Map<string, ProxyAgents>();

  /** `connections` is the number of connections to one proxy, including idle ones. */
  constructor(settings: HttpSettings, connections: number) {
    this.certificates = new Certificates(settings);
    this.#settings = settings;
    this.#connections = connections;
  }

  /**
   * Sends the request and resolves when the headers of the response have arrived. Does not follow
   * redirects.
   * Rejects with the connection's error, `ETIMEDOUT` for an idle connection, the signal's reason, or
   * `SETTINGS_INVALID`.
   */
  send(request: TransportRequest, signal: AbortSignal): Promise<TransportResponse> {
    const { method, url, headers, body } = request;
    const stallMs = this.#settings.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS;
    const start = this.#route(url, headers, { method, signal, timeout: stallMs });
    const answerMs = stallMs + (request.extraAnswerMs ?? 0);
    return exchange(start, body, { stallMs, answerMs }).catch((cause: unknown) => {
      throw this.#namingProxy(url, cause);
    });
  }

  close(): void {
    const proxies = [...this.#proxies.values()].flatMap(({ plain, tunnels }) => [plain, tunnels]);
    for (const agent of [this.#plain, this.#secure, ...proxies]) agent.destroy();
    this.#proxies.clear();
  }

  #route(url: URL, headers: TransportRequest["headers"], options: RequestOptions): Start {
    const proxy = proxyFor(url, this.#settings.env);
    if (url.protocol === "https:") {
      const agent = proxy === undefined ? this.#secure : this.#agentsFor(proxy).tunnels;
      const secured = { ...options, headers, agent, ...this.certificates.optionsFor(url) };
      return (answered) => requestTls(url, secured, answered);
    }
    if (proxy === undefined) {
      return (answered) => requestPlain(url, { ...options, headers, agent: this.#plain }, answered);
    }
    // RFC 9112, 3.2.2: the request line to a proxy contains the whole URL.
    const asked = {
      ...options,
      headers: { ...headers, host: url.host, ...proxyAuthorization(proxy) },
      path: url.href,
      agent: this.#agentsFor(proxy).plain,
    };
    if (proxy.protocol === "http:") return (answered) => requestPlain(proxy.origin, asked, answered);
    const secured = { ...asked, ...this.certificates.optionsFor(proxy) };
    return (answered) => requestTls(proxy.origin, secured, answered);
  }

  /** An http:// URL needs no other connection than the one to its proxy. See `TunnelAgent` for https://. */
  #namingProxy(url: URL, cause: unknown): unknown {
    const proxy = url.protocol === "http:" ? proxyFor(url, this.#settings.env) : undefined;
    if (proxy === undefined || !(cause instanceof Error) || !isSystemError(cause, ...NOT_CONNECTED))
      return cause;
    return Object.assign(new Error(`proxy ${proxy.host}: ${cause.message}`), {
      code: systemErrorCode(cause),
    });
  }

  #agentsFor(proxy: URL): ProxyAgents {
    const known = this.#proxies.get(proxy.href) ?? {
      plain: new (proxy.protocol === "https:" ? HttpsAgent : HttpAgent)({ keepAlive: true }),
      tunnels: new TunnelAgent(proxy, this.certificates, {
        connections: this.#connections,
        timeoutMs: CONNECT_TIMEOUT_MS,
      }),
    };
    this.#proxies.set(proxy.href, known);
    return known;
  }
}

/** Timeouts of one request. */
interface Timeouts {
  /** How long the connection may transfer no data. */
  readonly stallMs: number;
  /** How long the server may take to respond to the whole request. */
  readonly answerMs: number;
}

function exchange(
  start: Start,
  body: TransportRequest["body"],
  { stallMs, answerMs }: Timeouts,
): Promise<TransportResponse> {
  return new Promise((resolve, reject) => {
    let sentBytes = 0;
    const request = start((response) => {
      // When a server responds before it has read the whole request, it does not need the rest.
      if (!request.writableFinished) response.once("end", () => request.destroy());
      // From here, the timeout applies only while bytes are awaited, so that a slow reader is not
      // mistaken for a stalled server.
      request.setTimeout(0);
      resolve({
        status: response.statusCode ?? 0,
        headers: flatten(response.headers),
        body: readUntilStalled(response, stallMs),
        close: () => {
          if (!response.readableEnded) response.destroy();
        },
      });
    });
    request.on("socket", (socket) => {
      if (!socket.connecting) return;
      const connectMs = Math.min(CONNECT_TIMEOUT_MS, stallMs);
      const timer = setTimeout(() => request.destroy(stallError(connectMs, 0)), connectMs);
      for (const event of ["connect", "close"])
        socket.once(event, () => {
          clearTimeout(timer);
        });
    });
    request.on("timeout", () => {
      request.destroy(stallError(request.writableFinished ? answerMs : stallMs, sentBytes));
    });
    if (answerMs !== stallMs) request.once("finish", () => request.setTimeout(answerMs));
    request.on("error", reject);
    if (!(body instanceof Readable)) {
      request.end(body);
      return;
    }
    request.once("close", () => body.destroy());
    body.on("error", (cause) => request.destroy(cause));
    body.on("data", (chunk: Uint8Array) => {
      sentBytes += chunk.length;
    });
    body.pipe(request);
  });
}

/** Yields the body. An early end of the loop ends the connection. */
async function* readUntilStalled(response: IncomingMessage, stallMs: number): AsyncGenerator<Buffer> {
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let bytes = 0;
  try {
    for (;;) {
      const timer = setTimeout(() => response.destroy(stallError(stallMs, bytes)), stallMs);
      const next = await chunks.next().finally(() => {
        clearTimeout(timer);
      });
      if (next.done === true) return;
      bytes += next.value.length;
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}

function flatten(headers: IncomingMessage["headers"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ""].flat().join(", ")]),
  );
}
