// Interface of a registry that the nodes of a cluster pull from, and which images it lacks.
import type { Inventory } from "../bundle/inventory.js";
import { reducedRoot, repositoryIn } from "../load/registry-layout.js";
import type { ImageUse } from "../images/image-use.js";
import { findReference } from "../images/reference.js";
import { describeMissing, type MissingImage } from "./missing-images.js";

/** A registry, queried with the credentials for pulling. */
export interface ImageRegistry {
  /** As on the command line: `registry://HOST[:PORT][/PREFIX]`. */
  readonly name: string;
  /** `HOST[:PORT]` */
  readonly host: string;
  /** Path prefix of every repository, without leading or trailing slash; may be empty. */
  readonly prefix: string;
  /**
   * Returns the digest that a tag or digest resolves to, or undefined. Throws `REGISTRY_AUTH`,
   * `REGISTRY_UNAVAILABLE` or `REGISTRY_ANSWER_INVALID`.
   */
  findManifest(repository: string, reference: string, signal: AbortSignal): Promise<string | undefined>;
}

/**
 * Looks up each image in the repository that nodes pull it from: the mirrored repository, or the
 * original one if the image's name has this registry. An image of the bundle must have the digest
 * of the bundle, or the digest of the reduced image that was pushed. Images are looked up one after
 * another, so that an unreachable registry is reported once.
 */
export async function findMissingInRegistry(
  uses: readonly ImageUse[],
  inventory: Inventory,
  registry: ImageRegistry,
  signal: AbortSignal,
): Promise<readonly MissingImage[]> {
  const missing: MissingImage[] = [];
  for (const use of uses) {
    const reference = findReference(use.normalized);
    const found =
      reference &&
      (await registry.findManifest(
        reference.registry === registry.host
          ? reference.repository
          : repositoryIn(registry.prefix, reference),
        reference.digest ?? reference.tag ?? "latest",
        signal,
      ));
    const image = inventory.images.find(({ normalized }) => normalized === use.normalized);
    const reduced = image && reducedRoot(image);
    const bundleDigests = [image?.digest, typeof reduced === "string" ? reduced : reduced?.digest];
    const isThere = found !== undefined && (image === undefined || bundleDigests.includes(found));
    if (!isThere) missing.push(describeMissing(use, inventory, []));
  }
  return missing;
}
