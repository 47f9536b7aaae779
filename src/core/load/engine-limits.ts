// Which images the stores of container engines cannot hold, and why. Other targets hold them.
import { oneOrMany, ViolaError } from "../../errors.js";
import type { InventoryImage } from "../bundle/inventory.js";
import { findReference } from "../images/reference.js";
import { isIndexMediaType } from "../oci/descriptor.js";
import { registryFolder } from "./registry-layout.js";

/** What an image needs of an engine that some engines or releases do not have. */
export type EngineNeed = "zstd" | "encrypted" | "nested-index" | "ipv6-host" | "long-name";

/** An engine, and what it does not support. */
export interface EngineLimits {
  /** Name and release, for messages. */
  readonly engine: string;
  readonly lacks: ReadonlySet<EngineNeed>;
}

/** An image that an engine cannot hold. */
export interface UnfitImage {
  readonly normalized: string;
  /** The image, the engine and the reason. */
  readonly message: string;
  /** What to do instead. */
  readonly hint: string;
}

/**
 * Podman limits a name to 255 characters, and pulls it with the path of the bundle server in place
 * of the host.
 */
export const LONGEST_PODMAN_PATH = 190;

/** The engines that `load` supports, with what their oldest supported releases do not have. */
const ENGINES: readonly EngineLimits[] = [
  // Docker Engine 23.0 decompresses Zstandard, and 25.0 accepts IPv6 addresses in names. Nothing
  // decrypts layers (github.com/containers/ocicrypt) without a key.
  { engine: "Docker before 23.0", lacks: new Set(["zstd"]) },
  { engine: "Docker before 25.0", lacks: new Set(["ipv6-host"]) },
  { engine: "Docker", lacks: new Set(["encrypted"]) },
  { engine: "podman", lacks: new Set(["encrypted", "nested-index", "long-name"]) },
  { engine: "some releases of podman", lacks: new Set(["ipv6-host"]) },
];

const HINT = "Load it into containerd, k3s, a Kind cluster or a registry";
const HINTS: Readonly<Record<EngineNeed, string>> = {
  zstd: `${HINT}, update the engine, or use a tag with gzip layers.`,
  encrypted: `${HINT} whose nodes have the key, or use a tag without encryption.`,
  "nested-index": `${HINT}, or name the platform's manifest by its digest in the spec.`,
  "ipv6-host": `${HINT}, update the engine, or use a registry with a host name.`,
  "long-name": `${HINT}, or use an image with a shorter name.`,
};

/** Returns the images that the engine cannot hold. */
export function findUnfitImages(
  images: readonly InventoryImage[],
  { engine, lacks }: EngineLimits,
): readonly UnfitImage[] {
  return images.flatMap((image) =>
    findNeeds(image)
      .filter(({ need }) => lacks.has(need))
      .map(({ need, what }) => ({
        normalized: image.normalized,
        message: `${image.normalized} cannot be loaded into ${engine}: ${what}`,
        hint: HINTS[need],
      })),
  );
}

/** Returns the images that an engine or a release of one cannot hold, for the side that builds. */
export function findLimitedImages(images: readonly InventoryImage[]): readonly UnfitImage[] {
  return ENGINES.flatMap((engine) => findUnfitImages(images, engine));
}

/** Throws `IMAGE_UNSUPPORTED` for each image that the engine cannot hold. */
export function requireFit(images: readonly InventoryImage[], limits: EngineLimits): void {
  const errors = findUnfitImages(images, limits).map(
    ({ normalized, message, hint }) =>
      new ViolaError("IMAGE_UNSUPPORTED", message, {
        subject: normalized,
        hint: `${hint} Nothing was loaded.`,
      }),
  );
  if (errors.length > 0) throw oneOrMany(`${limits.engine} cannot hold some images`, errors);
}

/** True if an image needs something that some engines do not have. */
export function hasNeeds(image: InventoryImage): boolean {
  return findNeeds(image).length > 0;
}

interface NeedOfImage {
  readonly need: EngineNeed;
  /** Why the image has it. */
  readonly what: string;
}

function findNeeds({ names, manifests, platforms }: InventoryImage): readonly NeedOfImage[] {
  const needs: NeedOfImage[] = [];
  const layers = platforms.flatMap((platform) => platform.layers);
  const layerWith = (suffix: string): string | undefined =>
    layers.find(({ mediaType }) => mediaType.endsWith(suffix))?.digest;
  const [encrypted, zstd] = [layerWith("+encrypted"), layerWith("+zstd")];
  if (encrypted !== undefined) needs.push({ need: "encrypted", what: `its layer ${encrypted} is encrypted` });
  if (zstd !== undefined)
    needs.push({ need: "zstd", what: `its layer ${zstd} is compressed with Zstandard` });
  if (manifests.filter(({ mediaType }) => isIndexMediaType(mediaType)).length > 1)
    needs.push({ need: "nested-index", what: "its index contains another index" });
  const references = names.flatMap((name) => findReference(name) ?? []);
  const ipv6 = references.find(({ registry }) => registry.startsWith("["))?.registry;
  if (ipv6 !== undefined) needs.push({ need: "ipv6-host", what: `its registry ${ipv6} is an IPv6 address` });
  const isLong = references.some(
    ({ registry, repository }) => registryFolder(registry).length + repository.length > LONGEST_PODMAN_PATH,
  );
  if (isLong)
    needs.push({ need: "long-name", what: `its name has more than ${LONGEST_PODMAN_PATH} characters` });
  return needs;
}
