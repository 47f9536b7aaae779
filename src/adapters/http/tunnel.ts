// Connections to TLS servers through a proxy. Each is opened with CONNECT, and reused for the same
// server.
import { request as requestPlain } from "node:http";
import { Agent, request as requestTls, type RequestOptions } from "node:https";
import { unescape } from "node:querystring";
import { PassThrough, type Duplex } from "node:stream";
import { proxyCode } from "./connection-advice.js";
import type { Certificates } from "./tls.js";

/** The options of a TunnelAgent. */
export interface TunnelOptions {
  /** The number of open tunnels. At the limit, an idle tunnel is closed for a new one. */
  readonly connections: number;
  /** The timeout for opening a tunnel. */
  readonly timeoutMs: number;
}

/** Opens connections with CONNECT (RFC 9110, 9.3.6). */
export class TunnelAgent extends Agent {
  readonly #proxy: URL;
  readonly #certificates: Certificates;
  readonly #tunnels: TunnelOptions;
  readonly #opening = new AbortController();
  #open = 0;

  constructor(proxy: URL, certificates: Certificates, options: TunnelOptions) {
    super({ keepAlive: true });
    this.#proxy = proxy;
    this.#certificates = certificates;
    this.#tunnels = options;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    if (this.#open >= this.#tunnels.connections) Object.values(this.freeSockets).flat()[0]?.destroy();
    this.#open++;
    const leave = (): void => {
      this.#open--;
    };
    const target = `${options.host ?? ""}:${options.port ?? 443}`;
    this.#openTunnel(target).then(
      (socket) => {
        socket.once("close", leave);
        callback?.(null, super.createConnection({ ...options, socket } as RequestOptions) ?? socket);
      },
      (cause: unknown) => {
        leave();
        // The type of the callback requires a stream even with an error.
        callback?.(cause instanceof Error ? cause : new Error(String(cause)), new PassThrough());
      },
    );
  }

  override destroy(): void {
    this.#opening.abort();
    super.destroy();
  }

  #openTunnel(target: string): Promise<Duplex> {
    const { hostname, port, protocol, host } = this.#proxy;
    const isTls = protocol === "https:";
    const options = {
      method: "CONNECT",
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port || (isTls ? 443 : 80),
      path: target,
      headers: { host: target, ...proxyAuthorization(this.#proxy) },
      agent: false,
      timeout: this.#tunnels.timeoutMs,
      signal: this.#opening.signal,
    };
    return new Promise((resolve, reject) => {
      const fail = (cause: NodeJS.ErrnoException): void => {
        // The message names the proxy, because users see the innermost error.
        reject(Object.assign(new Error(`proxy ${host}: ${cause.message}`), { code: cause.code ?? "" }));
      };
      const request = isTls
        ? requestTls({ ...options, ...this.#certificates.optionsFor(this.#proxy) })
        : requestPlain(options);
      request.on("connect", ({ statusCode = 0, statusMessage = "" }, socket) => {
        if (statusCode >= 200 && statusCode < 300) {
          socket.setTimeout(0);
          resolve(socket);
          return;
        }
        socket.destroy();
        const answer = new Error(`response ${`${statusCode} ${statusMessage}`.trim()} to CONNECT ${target}`);
        fail(Object.assign(answer, { code: proxyCode(statusCode) }));
      });
      request.on("timeout", () => request.destroy(new Error(`no response for ${options.timeout / 1000} s`)));
      request.on("error", fail);
      request.end();
    });
  }
}

/** Returns the authorization header for a proxy whose URL has a user and a password. */
export function proxyAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "") return {};
  // Unlike decodeURIComponent, this accepts a password with a bare percent sign.
  const text = `${unescape(username)}:${unescape(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(text).toString("base64")}` };
}
