// Content that a target needs and that no given file has: a differential bundle was given without its
// base, and the target does not have the rest.
import { oneOrMany, ViolaError } from "../../errors.js";
import { formatIdentity } from "../bundle/base.js";
import type { BlobPlaces } from "../bundle/blob-places.js";
import {
  blobsOf,
  type Inventory,
  type InventoryBase,
  type InventoryImage,
  type InventoryPlatform,
} from "../bundle/inventory.js";
import { countOf } from "../count-of.js";
import { formatBytes } from "../format-bytes.js";

/** Content of an image that a target does not have. */
export interface NeededContent {
  /** The node, engine or registry, for messages. */
  readonly where: string;
  readonly image: InventoryImage;
  readonly digests: readonly string[];
}

/** The parts of an opened bundle that say what is at hand. */
export interface ContentAtHand {
  readonly file: string;
  readonly inventory: Inventory;
  readonly blobs: BlobPlaces;
  readonly missingBase?: InventoryBase | undefined;
}

/** Returns the digests of what a node must have to run the platform of the image. */
export function contentToRun(image: InventoryImage, platform: InventoryPlatform): readonly string[] {
  const attached = (platform.attached ?? []).map(({ digest }) => digest);
  const blobs = blobsOf(platform).map(({ digest }) => digest);
  return [...new Set<string>([image.digest, platform.digest, ...attached, ...blobs])];
}

/**
 * Throws `BASE_MISSING` for every image with needed content that is not at hand, with the places that
 * need it and the base that has it. Does nothing for a bundle whose bases are all given.
 */
export function refuseAbsent(
  { file, inventory, blobs, missingBase }: ContentAtHand,
  needed: readonly NeededContent[],
): void {
  if (missingBase === undefined) return;
  const sizes = new Map<string, number>(inventory.blobs.map(({ digest, size }) => [digest, size]));
  const absent = new Map<string, { readonly digests: Set<string>; readonly places: Set<string> }>();
  for (const { where, image, digests } of needed) {
    const lacking = digests.filter((digest) => !blobs.has(digest));
    if (lacking.length === 0) continue;
    const known = absent.get(image.normalized) ?? { digests: new Set(), places: new Set() };
    absent.set(image.normalized, known);
    known.places.add(where);
    for (const digest of lacking) known.digests.add(digest);
  }
  if (absent.size === 0) return;
  const errors = [...absent].map(([normalized, { digests, places }]) => {
    const bytes = [...digests].reduce((sum, digest) => sum + (sizes.get(digest) ?? 0), 0);
    return new ViolaError(
      "BASE_MISSING",
      `${normalized}: ${countOf(digests.size, "blob")} (${formatBytes(bytes)}) of it are neither in ${file} nor on ${[...places].sort().join(", ")}; base ${formatIdentity(missingBase)} has them`,
      { subject: normalized, hint: "Add --base FILE with that bundle. Nothing was sent." },
    );
  });
  throw oneOrMany(`${file} is not enough without its base ${formatIdentity(missingBase)}`, errors);
}
