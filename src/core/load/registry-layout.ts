// The repositories of a bundle's images in a registry that mirrors all of their registries.
import { blobsOf, type Inventory, type InventoryImage } from "../bundle/inventory.js";
import { parseReference, type Reference } from "../images/reference.js";
import { isIndexMediaType, OCI_INDEX } from "../oci/descriptor.js";
import { digestOf } from "../oci/digest.js";
import { parsePlatform } from "../oci/platform.js";

/** An image and its repository in the registry. */
export interface PlacedImage {
  readonly image: InventoryImage;
  /** The registry in the names of the image. */
  readonly registry: string;
  /** `[PREFIX/]REGISTRY/REPOSITORY`, or `REPOSITORY` as dockerd requests it from a mirror. */
  readonly repository: string;
  /** Sorted; empty if all names are pinned by digest. */
  readonly tags: readonly string[];
  /** True if a name is pinned by digest. */
  readonly isPinned: boolean;
}

/** A manifest with its bytes. */
export interface ManifestBytes {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/**
 * Returns the host of a registry as a component of a repository path. Characters that paths cannot
 * contain (the colon before a port) become `_`, which host names cannot contain, so results are
 * unique.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
export function registryFolder(registry: string): string {
  return registry
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "_")
    .replace(/^_|_$/g, "");
}

/** Options for placing images in a registry. */
export interface RegistryLayout {
  /** Path prefix of every repository, without leading or trailing slash; may be empty. */
  readonly prefix: string;
  /** True to also place Docker Hub images without prefix and registry, as dockerd requests them. */
  readonly forDockerd: boolean;
}

/** Returns the repository of the image in a registry with this prefix. */
export function repositoryIn(prefix: string, { registry, repository }: Reference): string {
  return [prefix, registryFolder(registry), repository].filter((part) => part !== "").join("/");
}

/** Places every image of the inventory. Images for dockerd have two places. */
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

/**
 * Returns the digests of the configs and layers of all platforms of the image in the bundle, and of
 * its artifacts.
 */
export function contentOf({ platforms, artifacts = [] }: InventoryImage): ReadonlySet<string> {
  const content = [...platforms.map((platform) => blobsOf(platform)), ...artifacts.map(({ blobs }) => blobs)];
  return new Set(content.flat().map(({ digest }) => digest));
}

/** The manifests of an image, in the order in which a registry accepts them. */
export interface ManifestOrder {
  /** Manifests whose blobs are in the bundle. */
  readonly complete: readonly string[];
  /** Manifests of other platforms and attestations, whose blobs are not in the bundle. */
  readonly bare: readonly string[];
  /** Children before parents; the root is the last. Empty if the root is a manifest. */
  readonly indexes: readonly string[];
}

/** Sorts the manifests of an image. The inventory lists parents before children. */
export function orderManifests({ manifests, platforms }: InventoryImage): ManifestOrder {
  const bundled = new Set(
    platforms.flatMap(({ digest, attached = [] }) => [digest, ...attached.map((other) => other.digest)]),
  );
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
 * Returns what a tag can point to in a registry that rejects an index with missing platforms: the
 * digest of the only platform's manifest, or a new index with its bytes. The digest of the original
 * index does not resolve in such a registry.
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
