// A read-only OCI registry that serves a bundle file directly. It does not unpack the file or hold
// blobs in memory.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Place } from "../../core/bundle/blob-places.js";
import type {
  UpstreamRegistry,
  BundleFile,
  ServedBundle,
  ServeOptions,
} from "../../core/bundle/bundle-server.js";
import { isBug, systemErrorCode, ViolaError } from "../../errors.js";
import { cutShort } from "../files/read-range.js";
import { SourceFile } from "../files/source-file.js";
import { makeChartArtifacts } from "./chart-artifacts.js";
import { makeChartRoutes, type LocateFile } from "./chart-routes.js";
import { entityTag, selectPart } from "./conditions.js";
import { pageOf, type NameList } from "./name-list.js";
import {
  BLOB_MEDIA_TYPE,
  CATALOG_PATH,
  makeRoutes,
  type Content,
  type DescribedContent,
  type FindRoute,
  type Route,
} from "./routes.js";

/** The size of the buffer for reading and sending content. A response uses one buffer. */
const CHUNK_BYTES = 256 * 1024;
const KEY_BYTES = 16;
/** Error codes of reading the bundle file. */
const OF_BUNDLE: ReadonlySet<string> = new Set(["BUNDLE_INVALID", "FILE_UNUSABLE"]);

/** The open files of a bundle by path. */
type OpenFiles = ReadonlyMap<string, SourceFile>;

/** The parts of a server. */
interface Served {
  /** The path of the bundle, and those of all files that content is read from. */
  readonly file: string;
  readonly files: ReadonlySet<string>;
  readonly findRoute: FindRoute;
  /** Returns the client and the path without its prefix, or undefined when the prefix is wrong. */
  readonly enter: (
    path: string,
    address: string,
  ) => { readonly client: string; readonly path: string } | undefined;
  readonly options: ServeOptions;
}

interface RunningServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/**
 * Serves the images below a random path, so that only clients with a path from `pathFor` have
 * access.
 * Throws `FILE_UNUSABLE` when the file cannot be read or the port is taken.
 */
export async function serveBundle(bundle: BundleFile, options: ServeOptions = {}): Promise<ServedBundle> {
  const key = randomBytes(KEY_BYTES).toString("hex");
  const sent = new Map<string, number>();
  const server = await startServer({
    ...filesOf(bundle),
    findRoute: makeRoutes(bundle.inventory, bundle.blobs),
    enter: (text) => {
      // Podman requests `/v2/` without a path first. It then puts the path of the mirror after
      // `/v2`.
      if (options.asMirror === true && text === "/v2/") return { client: "", path: text };
      const plain = text.replace(/^\/v2(\/[^/]+\/[^/]+)/, "$1/v2");
      const [, found, client, path] = /^\/([^/]+)\/([^/]+)(\/.*)$/.exec(plain) ?? [];
      return found !== key || client === undefined || path === undefined ? undefined : { client, path };
    },
    options: {
      ...options,
      onSent: (client, bytes) => {
        sent.set(client, (sent.get(client) ?? 0) + bytes);
        options.onSent?.(client, bytes);
      },
    },
  });
  return {
    ...server,
    pathFor: (client) => `/${key}/${encodeURIComponent(client)}`,
    sentBytes: (client) => sent.get(client) ?? 0,
  };
}

/**
 * Serves images and charts without access control. The charts are in a chart repository, and as OCI
 * artifacts in the repositories `charts/NAME`. `locate` returns the range of a path in the
 * bundle file.
 * Throws `FILE_UNUSABLE` as `serveBundle` does.
 */
export function serveOpenly(
  bundle: BundleFile & { locate(path: string): Place },
  options: Pick<ServeOptions, "address" | "port" | "onManifest" | "onFailure">,
): Promise<RunningServer> {
  const findImage = makeRoutes(bundle.inventory, bundle.blobs);
  const locate: LocateFile = (path) => bundle.locate(path);
  const findChart = makeChartRoutes(bundle.inventory, locate);
  const artifacts = makeChartArtifacts(bundle.inventory, locate);
  return startServer({
    file: bundle.file,
    files: new Set([
      ...filesOf(bundle).files,
      ...bundle.inventory.releases.map((release) => locate(release.file).file),
    ]),
    findRoute: (path, registry) => {
      if (!path.startsWith("/v2")) return findChart(path, registry);
      const found = findImage(path, registry);
      if (found.kind === "unknown") return artifacts.findRoute(path) ?? found;
      return path === CATALOG_PATH && registry === undefined
        ? addToList(found, artifacts.repositories)
        : found;
    },
    // A dual-stack socket reports the address of an IPv4 client as `::ffff:10.0.0.1`.
    enter: (path, address) => ({ client: address.replace(/^::ffff:/, ""), path }),
    options,
  });
}

function addToList(route: Route, more: readonly string[]): Route {
  if (route.kind !== "list") return route;
  const entries = [...new Set([...route.list.entries, ...more])].sort();
  return { ...route, list: { ...route.list, entries } };
}

function filesOf({ file, blobs }: BundleFile): Pick<Served, "file" | "files"> {
  return { file, files: new Set([file, ...[...blobs.values()].map((blob) => blob.file)]) };
}

/** Opens all files, or none. */
function openFiles(paths: Served["files"]): OpenFiles {
  const files = new Map<string, SourceFile>();
  for (const file of paths) {
    try {
      files.set(file, openSource(file));
    } catch (cause) {
      closeFiles(files);
      throw cause;
    }
  }
  return files;
}

function closeFiles(files: OpenFiles): void {
  for (const file of files.values()) file.close();
}

async function startServer(served: Served): Promise<RunningServer> {
  const { file, options } = served;
  const files = openFiles(served.files);
  let closed: Promise<void> | undefined;
  let failure: { readonly cause: unknown } | undefined;
  const server = createServer((request, response) => {
    answer(request, response, served, files).catch((cause: unknown) => {
      // The client must see a truncated response, never one that looks complete.
      response.destroy();
      // Any other error is of a connection that the client or `close` has ended.
      if (closed !== undefined || !(cause instanceof ViolaError || isBug(cause))) return;
      options.onFailure?.(cause);
      // Failures of upstream registries are not failures of the bundle. The client retries them.
      if (!(cause instanceof ViolaError) || OF_BUNDLE.has(cause.code)) failure ??= { cause };
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(
      { port: options.port ?? 0, ...(options.address !== undefined && { host: options.address }) },
      resolve,
    );
  }).catch((cause: unknown) => {
    closeFiles(files);
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be served (${systemErrorCode(cause)})`, {
      subject: file,
      cause,
      hint: "Specify an address of this machine and a port that no other program uses.",
    });
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: () =>
      (closed ??= (async () => {
        const stopped = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await stopped;
        closeFiles(files);
        if (failure !== undefined) throw failure.cause;
      })()),
  };
}

function openSource(file: string): SourceFile {
  try {
    return new SourceFile(file);
  } catch (cause) {
    if (cause instanceof ViolaError) throw cause;
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, { subject: file, cause });
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { findRoute, enter, options: { onManifest, onSent, upstream } }: Served,
  files: OpenFiles,
): Promise<void> {
  const url = splitUrl(request.url ?? "/");
  const entered = url && enter(url.path, request.socket.remoteAddress ?? "");
  if (url === undefined || entered === undefined) {
    answerStatus(response, 404);
    return;
  }
  const { client, path } = entered;
  response.setHeader("Docker-Distribution-Api-Version", "registry/2.0");
  const route = findRoute(path, url.registry);
  if ("wanted" in route) {
    const status = route.kind === "content" ? 200 : 404;
    if (upstream?.isPart(route.wanted.reference) !== true) onManifest?.({ ...route.wanted, client, status });
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    answerError(response, 405, { code: "UNSUPPORTED", message: "this registry is read-only" });
  } else if (route.kind === "ping") {
    answerStatus(response, 200);
  } else if (route.kind === "unknown") {
    if (upstream === undefined || !(await answerFromUpstream(request, response, route, upstream))) {
      answerError(response, 404, { code: route.code, message: "not in this bundle" });
    }
  } else if (route.kind === "invalid") {
    answerError(response, 400, { code: route.code, message: "not a digest" });
  } else if (route.kind === "document") {
    if (route.digest !== undefined) response.setHeader("Docker-Content-Digest", route.digest);
    answerText(response, route.mediaType, route.text);
  } else if (route.kind === "list") {
    answerList(request, response, route.list);
  } else if (route.kind === "described") {
    answerDescribed(request, response, route.described);
  } else {
    const exchange = { request, response, onSent: (bytes: number) => onSent?.(client, bytes) };
    await answerContent(exchange, route.content, files);
  }
}

interface SplitUrl {
  readonly path: string;
  readonly registry: string | undefined;
}

function splitUrl(text: string): SplitUrl | undefined {
  try {
    const url = new URL(text, "http://bundle");
    return {
      path: decodeURIComponent(url.pathname),
      registry: url.searchParams.get("ns") ?? undefined,
    };
  } catch {
    // The client sent an invalid URL or an escape sequence that is not UTF-8.
    return undefined;
  }
}

function answerText(response: ServerResponse, mediaType: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(200, { "Content-Type": mediaType, "Content-Length": body.length }).end(body);
}

/** Responds with a page of the list. The next page is at the same path as the request names it. */
function answerList(request: IncomingMessage, response: ServerResponse, list: NameList): void {
  const url = new URL(request.url ?? "/", "http://bundle");
  const page = pageOf(list, url.searchParams);
  if (page === undefined) {
    answerError(response, 400, { code: "PAGINATION_NUMBER_INVALID", message: "n is not a number" });
    return;
  }
  if (page.next !== undefined) {
    url.searchParams.set("n", page.next.n);
    url.searchParams.set("last", page.next.last);
    response.setHeader("Link", `<${url.pathname}${url.search}>; rel="next"`);
  }
  answerText(response, "application/json", page.text);
}

function answerStatus(response: ServerResponse, status: number): void {
  response.writeHead(status, { "Content-Length": 0 }).end();
}

function answerError(
  response: ServerResponse,
  status: number,
  error: { readonly code: string; readonly message: string },
): void {
  const body = JSON.stringify({ errors: [error] });
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.length }).end(body);
}

/**
 * Responds with content that is not in the bundle. Returns false when the upstream registry does
 * not have it or does not respond.
 */
async function answerFromUpstream(
  { method }: IncomingMessage,
  response: ServerResponse,
  { wanted, blob }: Extract<Route, { readonly kind: "unknown" }>,
  upstream: UpstreamRegistry,
): Promise<boolean> {
  const manifest = wanted && (await upstream.findManifest(wanted));
  if (manifest !== undefined) {
    const { mediaType, size, digest, bytes } = manifest;
    response.writeHead(200, {
      "Content-Type": mediaType,
      "Content-Length": size,
      "Docker-Content-Digest": digest,
    });
    response.end(method === "HEAD" ? undefined : bytes);
    return true;
  }
  const opened = blob === undefined || method === "HEAD" ? undefined : upstream.openBlob(blob);
  if (opened === undefined) return false;
  response.writeHead(200, { "Content-Type": BLOB_MEDIA_TYPE, "Content-Length": opened.size });
  await pipeline(opened.chunks, response);
  return true;
}

/**
 * Responds for a manifest whose bytes are not at hand. A client that has the content asks only for
 * the digest.
 */
function answerDescribed(
  { method }: IncomingMessage,
  response: ServerResponse,
  { digest, mediaType, size }: DescribedContent,
): void {
  if (method !== "HEAD") {
    answerError(response, 404, { code: "MANIFEST_UNKNOWN", message: "in a base of this bundle" });
    return;
  }
  response.writeHead(200, {
    "Content-Type": mediaType,
    "Content-Length": size,
    "Docker-Content-Digest": digest,
  });
  response.end();
}

/** A request for content, and its response. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly onSent: (bytes: number) => void;
}

async function answerContent(exchange: Exchange, content: Content, files: OpenFiles): Promise<void> {
  const { request, response } = exchange;
  const range = selectPart(request.method, request.headers, content);
  response.setHeader("Accept-Ranges", "bytes");
  response.setHeader("ETag", entityTag(content.digest));
  if (range === "unchanged") {
    response.writeHead(304).end();
    return;
  }
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
  if (request.method !== "HEAD") {
    const { file, offset } = content;
    await sendBytes(exchange, files, { file, offset: offset + start, size });
  }
  response.end();
}

/**
 * Sends `size` bytes of the file from `offset`. All chunks use the same buffer, because allocating a
 * new one for each chunk costs more than copying.
 */
async function sendBytes(
  { response, onSent }: Exchange,
  files: OpenFiles,
  { file, offset, size }: Pick<Content, "file" | "offset" | "size">,
): Promise<void> {
  const handle = files.get(file);
  if (handle === undefined) throw new Error(`${file} is not a file of the served bundle`);
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, CHUNK_BYTES));
  let wake: () => void = () => undefined;
  response.once("close", () => {
    wake();
  });
  for (let done = 0; done < size && !response.destroyed;) {
    const bytesRead = await handle
      .read(buffer, 0, Math.min(buffer.length, size - done), offset + done)
      .catch((cause: unknown) => {
        const code = systemErrorCode(cause);
        throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, { subject: file, cause });
      });
    if (bytesRead === 0) throw cutShort(file);
    // The callback means that the kernel has the bytes, so the buffer can be reused. A closed
    // connection may never call it.
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
