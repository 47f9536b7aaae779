// Compares the content of a node with a bundle.
import { findForPlatform, formatPlatform, parsePlatform } from "../oci/platform.js";
import { blobsOf, type Inventory, type InventoryImage, type InventoryPlatform } from "../bundle/inventory.js";
import type { Platform } from "../oci/descriptor.js";
import type { WantedName } from "./node.js";

/** An image with names that do not resolve on a node, and the platform that the node runs. */
export interface MissingContent {
  readonly image: InventoryImage;
  readonly platform: InventoryPlatform;
  /** The names that are missing, incomplete, or point to something else. */
  readonly names: InventoryImage["names"];
}

/**
 * Returns the names that do not resolve to complete content with the bundle's digest on the node.
 */
export function missingNames(
  image: InventoryImage,
  complete: ReadonlyMap<string, string>,
): InventoryImage["names"] {
  return image.names.filter((name) => complete.get(name) !== image.digest);
}

/** Returns the platform of the image that a host would run, or undefined if the bundle has none. */
export function platformFor(image: InventoryImage, wanted: Platform): InventoryPlatform | undefined {
  const entries = image.platforms.map((entry) => ({ entry, platform: parsePlatform(entry.platform) }));
  return findForPlatform(entries, wanted)?.entry;
}

/**
 * The images to load into one node, and those that the bundle lacks for the platform of the node.
 */
export interface Survey {
  readonly missing: readonly MissingContent[];
  readonly withoutPlatform: readonly InventoryImage[];
}

/** Compares the complete names of a node with the inventory. Complete images need no platform. */
export function surveyNode(
  inventory: Inventory,
  platform: Platform,
  complete: ReadonlyMap<string, string>,
): Survey {
  const missing: MissingContent[] = [];
  const withoutPlatform: InventoryImage[] = [];
  for (const image of inventory.images) {
    const names = missingNames(image, complete);
    if (names.length === 0) continue;
    const found = platformFor(image, platform);
    if (found === undefined) withoutPlatform.push(image);
    else missing.push({ image, platform: found, names });
  }
  return { missing, withoutPlatform };
}

/**
 * Lists the names to load: the first name of every image before the second name of any image,
 * because the content of a second name is then already loaded.
 */
export function wantedNames(missing: readonly MissingContent[]): readonly WantedName[] {
  const ranked = missing.flatMap(({ names, platform }) =>
    names.map((name, rank) => ({ rank, name, platform: platform.platform })),
  );
  return ranked.sort((one, other) => one.rank - other.rank).map(({ name, platform }) => ({ name, platform }));
}

/** Returns the digests of the configs and layers of these images that are not present. */
export function missingBlobs(
  missing: readonly MissingContent[],
  present: ReadonlySet<string>,
): ReadonlySet<string> {
  const digests = missing.flatMap(({ platform }) => blobsOf(platform).map((blob) => blob.digest));
  return new Set(digests.filter((digest) => !present.has(digest)));
}

/** Returns the digests of all indexes and manifests of these images, for all platforms. */
export function manifestsOf(missing: readonly MissingContent[]): ReadonlySet<string> {
  return new Set(missing.flatMap(({ image }) => image.manifests.map((manifest) => manifest.digest)));
}

/** Describes the platform that the bundle lacks, in one line. */
export function describeMissingPlatform(
  node: string,
  platform: Platform,
  images: readonly InventoryImage[],
  inventory: Inventory,
): string {
  const which =
    images.length === inventory.images.length
      ? "the bundle has no image"
      : `the bundle has no content of ${images.map((image) => image.normalized).join(", ")}`;
  return `${node} runs ${formatPlatform(platform)}, and ${which} for it (it was built for ${inventory.platforms.join(", ")})`;
}
