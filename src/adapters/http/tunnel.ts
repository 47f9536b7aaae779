// Connections to TLS servers through a proxy: one CONNECT for each, kept for the next request to the same server.
import { request as requestPlain } from "node:http";
import { Agent, request as requestTls, type RequestOptions } from "node:https";
import { unescape } from "node:querystring";
import { PassThrough, type Duplex } from "node:stream";
import type { Certificates } from "./tls.js";

/** How a TunnelAgent treats its proxy. */
export interface TunnelOptions {
  /** How many tunnels may be open at a time. An idle one to another server makes room for a new one. */
  readonly connections: number;
  /** How long the proxy may take to open one. */
  readonly timeoutMs: number;
}

/** Makes its connections with CONNECT (RFC 9110, 9.3.6). */
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
        // Node's own type wants a stream even with an error.
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
        // The innermost error is what users see, so that it has to name the proxy.
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
        fail(new Error(`it answered ${`${statusCode} ${statusMessage}`.trim()} when asked for ${target}`));
      });
      request.on("timeout", () => request.destroy(new Error(`no answer for ${options.timeout / 1000} s`)));
      request.on("error", fail);
      request.end();
    });
  }
}

/** Returns the header that gets past a proxy whose URL has a user and a password. */
export function proxyAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "") return {};
  // Unlike decodeURIComponent this takes a password with a bare percent sign.
  const text = `${unescape(username)}:${unescape(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(text).toString("base64")}` };
}
