// Which images some container engines cannot hold or run, and why. Other targets can.
import { oneOrMany, ViolaError } from "../../errors.js";
import type { InventoryImage } from "../bundle/inventory.js";
import { findReference } from "../images/reference.js";
import { isIndexMediaType } from "../oci/descriptor.js";
import { registryFolder } from "./registry-layout.js";

/** What an image needs of an engine that some engines or releases do not have. */
export type EngineNeed = "zstd" | "docker-zstd" | "encrypted" | "nested-index" | "ipv6-host" | "long-name";

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

/**
 * The engines that `load` supports, with what their oldest supported releases do not have.
 *
 * - zstd: "Add support for pulling zstd compressed layers" in
 *   https://github.com/moby/moby/releases/tag/v23.0.0
 * - docker-zstd: containerd unpacks this media type since 2.0
 *   (https://github.com/containerd/containerd/pull/9859, not in 1.7), and podman knows it in no
 *   release (`unsupported docker v2s2 media type`). Docker goes by the first bytes of a layer.
 * - ipv6-host: 25.0 uses github.com/distribution/reference, whose grammar has IPv6 addresses
 *   (https://github.com/moby/moby/pull/46376); 24.0 has docker/distribution 2.8.2, whose has not.
 *   Podman has a copy of the older grammar (https://github.com/containers/image/pull/2618).
 * - encrypted: Docker has no decryption (https://github.com/moby/moby/issues/43920). Podman 4.4 and
 *   newer decrypts when a key is passed (https://github.com/containers/podman/pull/16329), and
 *   `load` has none to pass. containerd holds such layers as they are.
 */
const ENGINES: readonly EngineLimits[] = [
  { engine: "Docker before 23.0", lacks: new Set(["zstd"]) },
  { engine: "Docker before 25.0", lacks: new Set(["ipv6-host"]) },
  { engine: "Docker", lacks: new Set(["encrypted"]) },
  { engine: "containerd before 2.0", lacks: new Set(["docker-zstd"]) },
  { engine: "podman", lacks: new Set(["docker-zstd", "encrypted", "nested-index", "long-name"]) },
  { engine: "some releases of podman", lacks: new Set(["ipv6-host"]) },
];

const HINT = "Load it into containerd, k3s, a Kind cluster or a registry";
const HINTS: Readonly<Record<EngineNeed, string>> = {
  zstd: `${HINT}, update the engine, or use a tag with gzip layers.`,
  "docker-zstd":
    "Use a tag whose manifest has OCI media types (BuildKit: `oci-mediatypes=true`) or gzip layers.",
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
        message: `${image.normalized} cannot be used with ${engine}: ${what}`,
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
  const layerWith = (end: RegExp): string | undefined =>
    layers.find(({ mediaType }) => end.test(mediaType))?.digest;
  const [encrypted, zstd, dockerZstd] = [
    layerWith(/\+encrypted$/),
    layerWith(/[.+]zstd$/),
    layerWith(/\.zstd$/),
  ];
  if (encrypted !== undefined) needs.push({ need: "encrypted", what: `its layer ${encrypted} is encrypted` });
  if (zstd !== undefined)
    needs.push({ need: "zstd", what: `its layer ${zstd} is compressed with Zstandard` });
  if (dockerZstd !== undefined)
    needs.push({
      need: "docker-zstd",
      what: `its layer ${dockerZstd} has Docker's media type for Zstandard`,
    });
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
