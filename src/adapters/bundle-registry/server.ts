// A read-only OCI registry straight from the bundle file: nothing is unpacked, and no blob is held in memory.
import { randomBytes } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { BundleFile, ServedBundle } from "../../core/cluster/served-bundle.js";
import { ViolaError } from "../../errors.js";
import { makeRoutes, parseRange, type Content, type UnknownCode } from "./routes.js";

/** Bytes read and sent at a time. One buffer of this size serves a whole response. */
const CHUNK_BYTES = 256 * 1024;
const KEY_BYTES = 16;

/**
 * Serves the bundle on `address` (all addresses of this machine unless given) and `port` (a free one unless given).
 * Everything lies below a random path, told by `pathFor`, so that only those who were told the path can ask.
 * `onSent` hears of every chunk that was handed to the network. Throws `FILE_UNUSABLE` when the file cannot be read or the port is taken.
 */
export async function serveBundle(
  bundle: BundleFile,
  onSent: (client: string, bytes: number) => void,
  listen: { readonly address?: string; readonly port?: number } = {},
): Promise<ServedBundle> {
  const handle = await open(bundle.file, "r").catch((cause: unknown) => {
    throw new ViolaError("FILE_UNUSABLE", `${bundle.file} cannot be read`, { subject: bundle.file, cause });
  });
  const key = randomBytes(KEY_BYTES).toString("hex");
  const findRoute = makeRoutes(bundle.inventory);
  const sent = new Map<string, number>();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = splitUrl(request.url ?? "/");
    if (url?.key !== key) {
      answerStatus(response, 404);
      return;
    }
    response.setHeader("Docker-Distribution-Api-Version", "registry/2.0");
    const route = findRoute(url.path, url.registry);
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      answerError(response, 405, "UNSUPPORTED");
    } else if (route.kind === "ping") {
      answerStatus(response, 200);
    } else if (route.kind === "unknown") {
      answerError(response, 404, route.code);
    } else {
      await answerContent(request, response, route.content, handle, (bytes) => {
        sent.set(url.client, (sent.get(url.client) ?? 0) + bytes);
        onSent(url.client, bytes);
      });
    }
  };

  const server = createServer((request, response) => {
    // What fails here is the connection or the file; the client sees a body that is cut short, and never one that looks whole.
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(
      { port: listen.port ?? 0, ...(listen.address !== undefined && { host: listen.address }) },
      resolve,
    );
  }).catch(async (cause: unknown) => {
    await handle.close();
    throw new ViolaError("FILE_UNUSABLE", `${bundle.file} cannot be served: ${String(cause)}`, {
      subject: bundle.file,
      cause,
    });
  });
  const address = server.address();
  let closed: Promise<void> | undefined;

  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    pathFor: (client) => `/${key}/${encodeURIComponent(client)}`,
    sentBytes: (client) => sent.get(client) ?? 0,
    close: () =>
      (closed ??= (async () => {
        const stopped = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await stopped;
        await handle.close();
      })()),
  };
}

interface SplitUrl {
  readonly key: string;
  readonly client: string;
  readonly path: string;
  readonly registry: string | undefined;
}

function splitUrl(text: string): SplitUrl | undefined {
  try {
    const url = new URL(text, "http://bundle");
    const [, key, client, path] = /^\/([^/]+)\/([^/]+)(\/.*)$/.exec(url.pathname) ?? [];
    if (key === undefined || client === undefined || path === undefined) return undefined;
    const registry = url.searchParams.get("ns") ?? undefined;
    return { key, client: decodeURIComponent(client), path: decodeURIComponent(path), registry };
  } catch {
    return undefined;
  }
}

function answerStatus(response: ServerResponse, status: number): void {
  response.writeHead(status, { "Content-Length": 0 }).end();
}

function answerError(response: ServerResponse, status: number, code: UnknownCode): void {
  const body = JSON.stringify({ errors: [{ code, message: "not in this bundle" }] });
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.length }).end(body);
}

async function answerContent(
  request: IncomingMessage,
  response: ServerResponse,
  content: Content,
  handle: FileHandle,
  onSent: (bytes: number) => void,
): Promise<void> {
  const range = parseRange(request.headers.range, content.size);
  response.setHeader("Accept-Ranges", "bytes");
  if (range === "unsatisfiable") {
    response.setHeader("Content-Range", `bytes */${content.size}`);
    answerStatus(response, 416);
    return;
  }
  const { start, end } = range ?? { start: 0, end: content.size - 1 };
  const size = end - start + 1;
  response.writeHead(range === undefined ? 200 : 206, {
    "Content-Type": content.mediaType,
    "Content-Length": size,
    "Docker-Content-Digest": content.digest,
    ...(range !== undefined && { "Content-Range": `bytes ${start}-${end}/${content.size}` }),
  });
  if (request.method !== "HEAD") await sendBytes(response, handle, content.offset + start, size, onSent);
  response.end();
}

/** Sends `size` bytes at `offset`. One buffer is used again and again: a fresh one for each chunk costs more than the copying. */
async function sendBytes(
  response: ServerResponse,
  handle: FileHandle,
  offset: number,
  size: number,
  onSent: (bytes: number) => void,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, CHUNK_BYTES));
  let wake: () => void = () => undefined;
  response.once("close", () => {
    wake();
  });
  for (let done = 0; done < size && !response.destroyed;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - done), offset + done);
    if (bytesRead === 0) throw new Error("the bundle file is shorter than it was");
    // The callback says that the kernel has the bytes, so the buffer is free; a connection that is gone may never call it.
    await new Promise<void>((resolve) => {
      wake = resolve;
      response.write(buffer.subarray(0, bytesRead), () => {
        resolve();
      });
    });
    done += bytesRead;
    onSent(bytesRead);
  }
}
