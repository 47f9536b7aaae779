// A registry that the nodes of a cluster pull from: what installing asks of it, and which images it lacks.
import type { Inventory } from "../bundle/inventory.js";
import { reducedRoot, repositoryIn } from "../load/registry-layout.js";
import type { ImageUse } from "../images/image-use.js";
import { findReference } from "../images/reference.js";
import { describeMissing, type MissingImage } from "./missing-images.js";

/** A registry, asked as those who pull from it. */
export interface ImageRegistry {
  /** As on the command line: `registry://HOST[:PORT][/PREFIX]`. */
  readonly name: string;
  /** `HOST[:PORT]` */
  readonly host: string;
  /** Stands before every repository, without slashes around it; may be empty. */
  readonly prefix: string;
  /**
   * Returns the digest of what a tag or digest points to, or undefined. Throws `REGISTRY_AUTH`, `REGISTRY_UNAVAILABLE` or
   * `REGISTRY_ANSWER_INVALID`.
   */
  findManifest(repository: string, reference: string, signal: AbortSignal): Promise<string | undefined>;
}

/**
 * Asks for each image where nodes are told to pull it from, or, where its name says this very registry, there. An image of the bundle must be
 * the bundle's, or what pushing made of it for this registry. One after another: a registry that is down is said once.
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
