// A CONNECT proxy that counts tunnels. All tunnels lead to one address, regardless of the requested
// host.
import { createServer as createPlainServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export interface ConnectProxyOptions {
  /** `HOST:PORT` that tunnels lead to. */
  readonly to: string;
  /** PEM texts; the proxy is https then. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The required Proxy-Authorization header. */
  readonly authorization?: string;
}

export interface ConnectProxy {
  /** `http(s)://127.0.0.1:PORT` */
  readonly url: string;
  /** The requested tunnels, in order. */
  readonly targets: readonly string[];
  /** The most tunnels that were open at a time. */
  readonly mostOpen: number;
  close(): Promise<void>;
}

/** Starts the proxy on a free port of 127.0.0.1. */
export async function startConnectProxy(options: ConnectProxyOptions): Promise<ConnectProxy> {
  const targets: string[] = [];
  const sockets = new Set<Duplex>();
  let mostOpen = 0;
  const server = options.tls === undefined ? createPlainServer() : createTlsServer(options.tls);
  server.on("connect", (request: IncomingMessage, client: Duplex) => {
    targets.push(request.url ?? "");
    client.on("error", () => undefined);
    if (request.headers["proxy-authorization"] !== options.authorization) {
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    sockets.add(client);
    mostOpen = Math.max(mostOpen, sockets.size);
    const [host, port] = options.to.split(":");
    const upstream = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.pipe(client);
      client.pipe(upstream);
    });
    upstream.on("error", () => client.destroy());
    upstream.on("close", () => client.destroy());
    client.on("close", () => {
      sockets.delete(client);
      upstream.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    targets,
    get mostOpen() {
      return mostOpen;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
