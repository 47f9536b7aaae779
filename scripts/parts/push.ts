// Pushes made images to a registry, bytes unchanged: blobs by one PUT each, then manifests, then the tag.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
import { createReadStream, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import pLimit from "p-limit";
import { Agent, request, type Dispatcher } from "undici";
import type { Descriptor } from "../../src/core/oci/descriptor.js";
import type { MadeImage } from "./images.js";
import { blobPath } from "./layers.js";

/** A registry to push to, and how to get in. */
export interface PushTarget {
  /** `http://HOST:PORT` or `https://HOST:PORT`. */
  readonly url: string;
  /** `USER:PASSWORD` for Basic. */
  readonly login?: string;
  /** PEM certificates to trust. */
  readonly ca?: string;
}

const PARALLEL_BLOBS = 4;

/**
 * Pushes an image from its blob folder under `repository:tag`. What the registry has already is left alone.
 * Resolves to false when the tag pointed to this very image before.
 */
export async function pushImage(
  target: PushTarget,
  folder: string,
  image: MadeImage,
  repository: string,
  tag: string,
): Promise<boolean> {
  const agent = new Agent(target.ca === undefined ? {} : { connect: { ca: target.ca } });
  const send = sender(target, agent);
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
    await agent.close();
  }
}

type Send = (
  method: Dispatcher.HttpMethod,
  path: string,
  options?: { headers?: Record<string, string>; body?: Buffer | Readable },
) => Promise<{ status: number; headers: Record<string, string | string[] | undefined>; text: string }>;

function sender(target: PushTarget, dispatcher: Agent): Send {
  const login: Record<string, string> =
    target.login === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(target.login).toString("base64")}` };
  return async (method, path, { headers, body } = {}) => {
    const answer = await request(new URL(path, target.url), {
      method,
      headers: { ...login, ...headers },
      body: body ?? null,
      dispatcher,
    });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  };
}

async function pushBlob(send: Send, base: string, folder: string, blob: Descriptor): Promise<void> {
  if ((await send("HEAD", `${base}/blobs/${blob.digest}`)).status === 200) return;
  const upload = await send("POST", `${base}/blobs/uploads/`);
  if (upload.status !== 202) throw new Error(`${base}: no upload (${upload.status}) ${upload.text}`);
  const location = new URL(String(upload.headers["location"]), "http://registry");
  location.searchParams.set("digest", blob.digest);
  const stored = await send("PUT", location.pathname + location.search, {
    headers: { "content-type": "application/octet-stream", "content-length": String(blob.size) },
    body: createReadStream(blobPath(folder, blob.digest), { highWaterMark: 1024 * 1024 }),
  });
  if (stored.status !== 201)
    throw new Error(`${base}: blob ${blob.digest} (${stored.status}) ${stored.text}`);
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
    throw new Error(`${base}: manifest ${reference} (${stored.status}) ${stored.text}`);
  }
}
