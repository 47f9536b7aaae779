// Where the images of a bundle lie in a registry that stands in for all of theirs, and what it can hold of them.
import type { Inventory, InventoryImage } from "../bundle/inventory.js";
import { parseReference, type Reference } from "../images/reference.js";
import { isIndexMediaType, OCI_INDEX } from "../oci/descriptor.js";
import { digestOf } from "../oci/digest.js";
import { parsePlatform } from "../oci/platform.js";

/** An image and its place in the registry. */
export interface PlacedImage {
  readonly image: InventoryImage;
  /** The registry that the image's names say. */
  readonly registry: string;
  /** `[PREFIX/]REGISTRY/REPOSITORY`, or as dockerd asks a mirror for it. */
  readonly repository: string;
  /** Sorted; empty when all names are pinned by digest. */
  readonly tags: readonly string[];
  /** True when a name is pinned by digest. */
  readonly isPinned: boolean;
}

/** A manifest with its bytes. */
export interface ManifestBytes {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/**
 * Returns a registry's host as part of a repository path. What paths may not hold (the colon before a port) becomes `_`, which no host name
 * holds, so that no two hosts become one. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
export function registryFolder(registry: string): string {
  return registry
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "_")
    .replace(/^_|_$/g, "");
}

/** How a registry is filled. */
export interface RegistryLayout {
  /** Stands before every repository, without slashes around it; may be empty. */
  readonly prefix: string;
  /** True to place images of Docker Hub without prefix and registry, too: dockerd asks its mirrors for `library/busybox`. */
  readonly forDockerd: boolean;
}

/** Returns the repository in which a registry with this prefix holds the image. */
export function repositoryIn(prefix: string, { registry, repository }: Reference): string {
  return [prefix, registryFolder(registry), repository].filter((part) => part !== "").join("/");
}

/** Places every image of the inventory, those for dockerd twice. */
export function placeImages(
  inventory: Inventory,
  { prefix, forDockerd }: RegistryLayout,
): readonly PlacedImage[] {
  return inventory.images.flatMap((image) => {
    const references = image.names.map(parseReference);
    const [first] = references;
    if (first === undefined) return [];
    const { registry, repository } = first;
    const places = [
      repositoryIn(prefix, first),
      ...(forDockerd && registry === "docker.io" ? [repository] : []),
    ];
    const tags = references.flatMap(({ tag }) => tag ?? []).sort();
    const isPinned = references.some(({ digest }) => digest !== undefined);
    return places.map((place) => ({ image, registry, repository: place, tags, isPinned }));
  });
}

/** Lists the digests of configs and layers of all platforms of the image that the bundle has. */
export function contentOf({ platforms }: InventoryImage): ReadonlySet<string> {
  return new Set(platforms.flatMap(({ config, layers }) => [config, ...layers].map(({ digest }) => digest)));
}

/** The manifests of an image, in the order in which a registry takes them. */
export interface ManifestOrder {
  /** Those whose blobs are in the bundle. */
  readonly complete: readonly string[];
  /** Manifests of other platforms and attestations: their blobs stayed behind. */
  readonly bare: readonly string[];
  /** Children before parents; the root is the last. Empty when the root is a manifest. */
  readonly indexes: readonly string[];
}

/** Sorts the manifests of an image; the inventory has the root first, then nested indexes before what is in them. */
export function orderManifests({ manifests, platforms }: InventoryImage): ManifestOrder {
  const bundled = new Set(platforms.map(({ digest }) => digest));
  const isIndex = ({ mediaType }: { readonly mediaType: string }): boolean => isIndexMediaType(mediaType);
  const digests = manifests.filter((one) => !isIndex(one)).map(({ digest }) => digest);
  return {
    complete: digests.filter((digest) => bundled.has(digest)),
    bare: digests.filter((digest) => !bundled.has(digest)),
    indexes: manifests
      .filter(isIndex)
      .map(({ digest }) => digest)
      .reverse(),
  };
}

/**
 * Returns the digest of what a tag may point to in a registry that refuses an index with platforms missing: the only platform's manifest,
 * or an index made here, which comes with its bytes. Digests of the original index do not resolve there.
 */
export function reducedRoot({ manifests, platforms }: InventoryImage): string | ManifestBytes | undefined {
  const [only, ...more] = platforms;
  if (more.length === 0) return only?.digest;
  const entries = platforms.flatMap(({ digest, platform }) => {
    const manifest = manifests.find((one) => one.digest === digest);
    return manifest === undefined ? [] : [{ ...manifest, platform: parsePlatform(platform) }];
  });
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries }));
  return { mediaType: OCI_INDEX, digest: digestOf(bytes), bytes };
}
