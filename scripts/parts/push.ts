// Pushes generated images to a registry: each blob in one PUT, then manifests, then the tag.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
import { createReadStream, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import pLimit from "p-limit";
import type { Descriptor } from "../../src/core/oci/descriptor.js";
import { HttpClient, type HttpAnswer, type HttpRequest } from "../../src/adapters/http/client.js";
import type { MadeImage } from "./images.js";
import { blobPath } from "./layers.js";

/** A registry to push to, and its credentials. */
export interface PushTarget {
  /** `http://HOST:PORT` or `https://HOST:PORT`. */
  readonly url: string;
  /** `USER:PASSWORD` for Basic. */
  readonly login?: string;
  /** PEM certificates to trust. */
  readonly ca?: string;
}

const PARALLEL_BLOBS = 4;
const ANSWER_BYTES = 64 * 1024;

/**
 * Pushes an image from its blob folder to `repository:tag`. Existing content is not pushed again.
 * Resolves to false if the tag already pointed to this image.
 */
export async function pushImage(
  target: PushTarget,
  folder: string,
  image: MadeImage,
  repository: string,
  tag: string,
): Promise<boolean> {
  const ca = target.ca === undefined ? [] : [target.ca];
  const http = new HttpClient({
    settings: { ca, insecure: new Set(), env: {} },
    concurrency: PARALLEL_BLOBS,
  });
  const send = sender(target, http);
  try {
    const base = `/v2/${repository}`;
    const current = await send("HEAD", `${base}/manifests/${tag}`, {
      headers: { accept: image.root.mediaType },
    });
    if (current.headers["docker-content-digest"] === image.root.digest) return false;

    const limit = pLimit(PARALLEL_BLOBS);
    await Promise.all(image.blobs.map((blob) => limit(() => pushBlob(send, base, folder, blob))));
    for (const child of image.children) await pushManifest(send, base, folder, child, child.digest);
    await pushManifest(send, base, folder, image.root, tag);
    return true;
  } finally {
    await http.close();
  }
}

type Send = (
  method: HttpRequest["method"],
  path: string,
  options?: { headers?: Record<string, string>; body?: Buffer | Readable },
) => Promise<HttpAnswer>;

function sender({ url, login }: PushTarget, http: HttpClient): Send {
  const authorization =
    login === undefined ? {} : { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
  return (method, path, { headers, body } = {}) => {
    const request = { method, url: new URL(path, url), headers: { ...authorization, ...headers } };
    const { signal } = new AbortController();
    return http.send({ ...request, ...(body !== undefined && { body }) }, ANSWER_BYTES, signal);
  };
}

async function pushBlob(send: Send, base: string, folder: string, blob: Descriptor): Promise<void> {
  if ((await send("HEAD", `${base}/blobs/${blob.digest}`)).status === 200) return;
  const upload = await send("POST", `${base}/blobs/uploads/`);
  if (upload.status !== 202) throw new Error(`${base}: no upload (${upload.status}) ${textOf(upload)}`);
  const location = new URL(upload.headers["location"] ?? "", "http://registry");
  location.searchParams.set("digest", blob.digest);
  const stored = await send("PUT", location.pathname + location.search, {
    headers: { "content-type": "application/octet-stream", "content-length": String(blob.size) },
    body: createReadStream(blobPath(folder, blob.digest), { highWaterMark: 1024 * 1024 }),
  });
  if (stored.status !== 201)
    throw new Error(`${base}: blob ${blob.digest} (${stored.status}) ${textOf(stored)}`);
}

async function pushManifest(
  send: Send,
  base: string,
  folder: string,
  manifest: Descriptor,
  reference: string,
): Promise<void> {
  const stored = await send("PUT", `${base}/manifests/${reference}`, {
    headers: { "content-type": manifest.mediaType },
    body: readFileSync(blobPath(folder, manifest.digest)),
  });
  if (stored.status !== 201) {
    throw new Error(`${base}: manifest ${reference} (${stored.status}) ${textOf(stored)}`);
  }
}

function textOf({ body }: HttpAnswer): string {
  return new TextDecoder().decode(body);
}
