// Lists tags of repositories, and measures images by their manifests.
import { findForPlatform } from "../../core/oci/platform.js";
import type { Platform } from "../../core/oci/descriptor.js";
import type { ImageManifest } from "../../core/oci/manifest.js";
import type { ImageRepository, TagRegistry } from "../../workflows/ports.js";
import type { RegistryClient } from "./client.js";

/** Implements `TagRegistry` with the registry client. */
export class RegistryTags implements TagRegistry {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  /** See `TagRegistry`. */
  listTags(repository: ImageRepository, signal: AbortSignal): Promise<readonly string[]> {
    return this.#client.pull.listTags(repository, signal);
  }

  /** See `TagRegistry`. Fetches the manifest of the tag and one manifest for each platform. */
  async measureImage(
    repository: ImageRepository & { readonly tag: string },
    platforms: readonly Platform[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { tag } = repository;
    const subject = `${repository.registry}/${repository.repository}:${tag}`;
    const { content } = await this.#client.pull.fetchManifest(repository, tag, subject, signal);
    if (content.kind === "manifest") return sizeOf([content]);
    const manifests: ImageManifest[] = [];
    for (const platform of platforms) {
      const entry = findForPlatform(content.entries, platform);
      if (entry === undefined) return undefined;
      const child = await this.#client.pull.fetchManifest(repository, entry.digest, subject, signal);
      if (child.content.kind !== "manifest") return undefined;
      manifests.push(child.content);
    }
    return sizeOf(manifests);
  }
}

/** Returns the bytes of configs and layers; each blob is counted once. */
function sizeOf(manifests: readonly ImageManifest[]): number {
  const blobs = manifests.flatMap(({ config, layers }) => [config, ...layers]);
  const sizes = new Map(blobs.map(({ digest, size }) => [digest, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
