// An OCI registry in this process: for the demo without Docker, and for tests of registry faults.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
import { randomUUID } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { digestOf } from "../../src/core/oci/digest.js";
import type { MadeImage } from "./images.js";
import { blobPath } from "./layers.js";
import { answeredBy, harmed, type Fault } from "./registry-faults.js";
import { createDoor, type RegistryLogin } from "./registry-login.js";
import { describeRequest, type RegistryRequest } from "./registry-requests.js";

export interface EmbeddedRegistryOptions {
  /** Login rules. By default, no login is required. */
  readonly login?: RegistryLogin;
  /** PEM texts of certificate and key. If set, the registry uses https. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Called for every request. Returns a fault to inject, or undefined for none. */
  readonly fault?: (request: RegistryRequest) => Fault | undefined;
}

export interface EmbeddedRegistry {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Every request so far, in order. */
  readonly requests: readonly RegistryRequest[];
  /** Serves a generated image directly from its blob folder. */
  addImage(folder: string, image: MadeImage, repository: string, tag: string): void;
  /** Stops the server and ends all connections. */
  close(): Promise<void>;
}

interface Content {
  readonly mediaType: string;
  readonly size: number;
  read(start: number, end: number): Readable;
}

/** Starts a registry on a free port of 127.0.0.1. */
export async function startEmbeddedRegistry(
  options: EmbeddedRegistryOptions = {},
): Promise<EmbeddedRegistry> {
  const blobs = new Map<string, Content>();
  const manifests = new Map<string, Content>();
  const tags = new Map<string, string>();
  const uploads = new Map<string, Buffer[]>();
  const door = createDoor(options.login);
  const requests: RegistryRequest[] = [];

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = describeRequest(incoming, requests);
    requests.push(request);
    const fault = options.fault?.(request);
    if (answeredBy(fault, incoming, response)) return;
    if (request.kind === "token") {
      const token = door.token(request);
      if (token === undefined) refuse(response, 401, "UNAUTHORIZED");
      else response.writeHead(200).end(JSON.stringify({ token, expires_in: 300 }));
      return;
    }
    if (!door.admits(request)) {
      refuse(response, 401, "UNAUTHORIZED", { "www-authenticate": door.challenge(request, url) });
      return;
    }
    if (request.kind === "base") {
      response.writeHead(200, { "docker-distribution-api-version": "registry/2.0" }).end("{}");
    } else if (request.kind === "upload") {
      await upload(request, incoming, response);
    } else if (request.method === "PUT" && request.kind === "manifest") {
      const bytes = await bodyOf(incoming);
      const digest = digestOf(bytes);
      manifests.set(
        `${request.repository}@${digest}`,
        inMemory(bytes, incoming.headers["content-type"] ?? ""),
      );
      if (request.reference !== digest) tags.set(`${request.repository}:${request.reference}`, digest);
      response.writeHead(201, { "docker-content-digest": digest }).end();
    } else if (request.method === "GET" || request.method === "HEAD") {
      await send(request, response, fault);
    } else {
      refuse(response, 405, "UNSUPPORTED");
    }
  };

  const upload = async (
    { method, path, repository, reference }: RegistryRequest,
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const id = method === "POST" ? randomUUID() : reference;
    const chunks = method === "POST" ? [] : uploads.get(id);
    if (chunks === undefined) {
      refuse(response, 404, "BLOB_UPLOAD_UNKNOWN");
      return;
    }
    uploads.set(id, chunks);
    chunks.push(await bodyOf(incoming));
    const expected = new URL(path, url).searchParams.get("digest");
    if (method !== "PUT" || expected === null) {
      response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${id}` }).end();
      return;
    }
    const bytes = Buffer.concat(chunks);
    uploads.delete(id);
    if (digestOf(bytes) !== expected) {
      refuse(response, 400, "DIGEST_INVALID");
      return;
    }
    blobs.set(`${repository}@${expected}`, inMemory(bytes, "application/octet-stream"));
    response.writeHead(201, { location: `/v2/${repository}/blobs/${expected}` }).end();
  };

  const send = async (request: RegistryRequest, response: ServerResponse, fault?: Fault): Promise<void> => {
    const { repository, reference } = request;
    const digest = tags.get(`${repository}:${reference}`) ?? reference;
    const content = (request.kind === "manifest" ? manifests : blobs).get(`${repository}@${digest}`);
    if (content === undefined) {
      refuse(response, 404, request.kind === "manifest" ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN");
      return;
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const whole = range === null || fault?.kind === "ignore-range";
    const start = whole ? 0 : Number(range[1]);
    const last = whole || range[2] === "" ? content.size - 1 : Math.min(Number(range[2]), content.size - 1);
    if (start >= content.size) {
      response.writeHead(416, { "content-range": `bytes */${content.size}` }).end();
      return;
    }
    response.writeHead(whole ? 200 : 206, {
      "content-type": content.mediaType,
      "content-length": last - start + 1,
      "accept-ranges": "bytes",
      ...(!whole && { "content-range": `bytes ${start}-${last}/${content.size}` }),
      ...(fault?.kind !== "no-digest" && { "docker-content-digest": digest }),
    });
    const body = content.read(start, last + 1);
    if (request.method === "HEAD") response.end();
    else if (fault === undefined) await pipeline(body, response);
    else await pipeline(harmed(body, last - start + 1, fault), response);
  };

  const listener = (incoming: IncomingMessage, response: ServerResponse): void => {
    // A client that disconnects is not a failure of the registry.
    handle(incoming, response).catch(() => response.destroy());
  };
  const server =
    options.tls === undefined ? createHttpServer(listener) : createHttpsServer({ ...options.tls }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${options.tls === undefined ? "http" : "https"}://${host}`;

  return {
    url,
    host,
    requests,
    addImage: (folder, image, repository, tag) => {
      for (const { mediaType, digest } of [...image.children, image.root]) {
        manifests.set(`${repository}@${digest}`, inMemory(readFileSync(blobPath(folder, digest)), mediaType));
      }
      for (const { digest, size } of image.blobs) {
        blobs.set(`${repository}@${digest}`, onDisk(blobPath(folder, digest), size));
      }
      tags.set(`${repository}:${tag}`, image.root.digest);
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] }));
}

function inMemory(bytes: Buffer, mediaType: string): Content {
  return { mediaType, size: bytes.length, read: (start, end) => Readable.from([bytes.subarray(start, end)]) };
}

function onDisk(file: string, size: number): Content {
  return {
    mediaType: "application/octet-stream",
    size,
    read: (start, end) =>
      end <= start ? Readable.from([]) : createReadStream(file, { start, end: end - 1 }),
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
