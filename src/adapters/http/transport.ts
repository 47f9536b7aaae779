// One HTTP request at a time over Node's own client, or through a proxy with undici, which is loaded only then: it is slow to start.
import { Agent as HttpAgent, request as requestPlain, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as requestTls } from "node:https";
import { Readable } from "node:stream";
import { rootCertificates } from "node:tls";
import type { TlsSettings } from "./tls.js";

/** A request; header names are lower case. */
export interface TransportRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream needs a Content-Length among the headers. */
  readonly body?: string | Uint8Array | Readable;
  /** How long nothing may move, where that is not the usual time. */
  readonly timeoutMs?: number;
}

/** An answer whose body must be read to its end, or left, which ends the connection. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Sends requests over connections that are kept. `close` ends them. */
export interface Transport {
  send(request: TransportRequest, signal: AbortSignal): Promise<TransportResponse>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 60_000;

/** Reaches servers directly. Rejects with the connection's own error, `ETIMEDOUT` when nothing moves. */
export function directTransport(tls: TlsSettings): Transport {
  const plain = new HttpAgent({ keepAlive: true });
  const secure = new HttpsAgent({ keepAlive: true, ...tlsOptions(tls) });
  return {
    send: (request, signal) => sendDirect(request, plain, secure, signal),
    close: () => {
      plain.destroy();
      secure.destroy();
      return Promise.resolve();
    },
  };
}

/** Reaches servers through a proxy: http:// by absolute URL, https:// through a tunnel. */
export async function proxyTransport(proxy: string, tls: TlsSettings): Promise<Transport> {
  // A bundled CommonJS package has its default export alone.
  const { ProxyAgent, request } = (await import("undici")).default;
  const { ca } = tlsOptions(tls);
  const dispatcher = new ProxyAgent({
    uri: proxy,
    requestTls: tlsOptions(tls),
    proxyTls: ca === undefined ? {} : { ca },
    proxyTunnel: false,
  });
  return {
    send: async ({ url, timeoutMs = ANSWER_TIMEOUT_MS, ...options }, signal) => {
      const { statusCode, headers, body } = await request(url, {
        ...options,
        method: options.method as "GET",
        dispatcher,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal,
      });
      return { status: statusCode, headers, body };
    },
    close: () => dispatcher.destroy(),
  };
}

function sendDirect(
  { method, url, headers, body, timeoutMs = ANSWER_TIMEOUT_MS }: TransportRequest,
  plain: HttpAgent,
  secure: HttpsAgent,
  signal: AbortSignal,
): Promise<TransportResponse> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, signal, timeout: timeoutMs };
    const answered = (response: IncomingMessage): void => {
      // A server may answer before it has read everything, and does not want the rest then.
      if (!request.writableFinished) response.once("end", () => request.destroy());
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
    };
    const request =
      url.protocol === "https:"
        ? requestTls(url, { ...options, agent: secure }, answered)
        : requestPlain(url, { ...options, agent: plain }, answered);
    const timeOut = (): void => {
      request.destroy(Object.assign(new Error("nothing came in time"), { code: "ETIMEDOUT" }));
    };
    request.on("socket", (socket) => {
      if (!socket.connecting) return;
      const timer = setTimeout(timeOut, CONNECT_TIMEOUT_MS);
      socket.once("connect", () => {
        clearTimeout(timer);
      });
      socket.once("close", () => {
        clearTimeout(timer);
      });
    });
    request.on("timeout", timeOut);
    request.on("error", reject);
    if (!(body instanceof Readable)) {
      request.end(body);
      return;
    }
    request.once("close", () => body.destroy());
    body.on("error", (cause) => request.destroy(cause));
    body.pipe(request);
  });
}

function tlsOptions({ rejectUnauthorized, ca }: TlsSettings): { rejectUnauthorized: boolean; ca?: string[] } {
  return { rejectUnauthorized, ...(ca !== undefined && { ca: [...rootCertificates, ...ca] }) };
}
