// An image of two platforms in the local registry: amd64 is runnable, and arm64 has its own
// manifest and layers.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeImage } from "../../scripts/parts/images.js";
import { pushImage } from "../../scripts/parts/push.js";
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  OCI_MANIFEST,
  type Descriptor,
} from "../../src/core/oci/descriptor.js";
import { digestOf } from "../../src/core/oci/digest.js";
import { registries } from "../support/parts.js";

export interface TwoPlatforms {
  /** Digest of the index. */
  readonly digest: string;
  /** For arm64. Its blobs are not in a bundle for amd64. */
  readonly other: { readonly manifest: string; readonly blobs: readonly string[] };
}

/**
 * Creates an index of the image with this tag, for amd64, and of a generated one for arm64, and
 * tags it as `newTag`. Requires `needs("registries")`.
 */
export async function pushTwoPlatforms(
  repository: string,
  tag: string,
  newTag: string,
): Promise<TwoPlatforms> {
  const url = `http://${registries().plain}`;
  const manifests = `${url}/v2/${repository}/manifests`;
  const answer = await fetch(`${manifests}/${tag}`, {
    headers: { accept: `${DOCKER_MANIFEST}, ${OCI_MANIFEST}` },
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const runs = {
    mediaType: answer.headers.get("content-type") ?? "",
    digest: digestOf(bytes),
    size: bytes.length,
  };

  const folder = await mkdtemp(join(tmpdir(), "viola-two-"));
  try {
    const platform = { os: "linux", architecture: "arm64" };
    const options = {
      seed: repository,
      mediaTypes: "docker",
      layers: [60_000],
      platforms: [platform],
      index: false,
    } as const;
    const made = makeImage(folder, options);
    await pushImage({ url }, folder, made, repository, `${newTag}-arm64`);
    const entry = (descriptor: Descriptor, architecture: string): object => ({
      ...descriptor,
      platform: { os: "linux", architecture },
    });
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: DOCKER_INDEX,
      manifests: [entry(runs, "amd64"), entry(made.root, "arm64")],
    });
    const headers = { "content-type": DOCKER_INDEX };
    const stored = await fetch(`${manifests}/${newTag}`, { method: "PUT", headers, body: index });
    if (stored.status !== 201)
      throw new Error(`${repository}:${newTag}: ${stored.status} ${await stored.text()}`);
    const blobs = made.blobs.map(({ digest }) => digest);
    return { digest: digestOf(Buffer.from(index)), other: { manifest: made.root.digest, blobs } };
  } finally {
    await rm(folder, { recursive: true });
  }
}
