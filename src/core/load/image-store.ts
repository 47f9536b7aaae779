// Interface of the image store of an engine (docker, podman), and which names of a bundle it has.
import type { BundleFile } from "../bundle/bundle-server.js";
import type { InventoryImage } from "../bundle/inventory.js";
import { findReference, formatRepository } from "../images/reference.js";
import type { Platform } from "../oci/descriptor.js";
import type { EngineLimits } from "./engine-limits.js";
import { platformFor, type MissingContent } from "./missing-content.js";

/** An image as the engine lists it. */
export interface StoredImage {
  /** Digest of the config or, with the containerd store of Docker, of what the name points to. */
  readonly id: string;
  readonly tags: readonly string[];
  /** `REPOSITORY@DIGEST` */
  readonly digests: readonly string[];
}

/** A name that engines accept if they accept an IPv6 address as the host of a registry. */
export const IPV6_NAME = "[::1]:5000/viola-airgap/probe:1";

/**
 * An engine's image store. Calls fail with an error that names the engine, or the signal's reason.
 */
export interface ImageStore {
  readonly name: string;
  /** False if names with a digest do not resolve in the engine after loading. */
  readonly keepsDigests: boolean;
  platform(signal: AbortSignal): Promise<Platform>;
  /** Returns what the engine does not support. */
  findLimits(signal: AbortSignal): Promise<EngineLimits>;
  listImages(signal: AbortSignal): Promise<readonly StoredImage[]>;
  /** Returns the ids of images that running or stopped containers were created from. */
  usedImages(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /**
   * Returns the diff ids of the layers of every stored image, from the base up. The engine takes such
   * layers from its store. Empty if it does not, or if this is not known.
   */
  listLayers(signal: AbortSignal): Promise<readonly (readonly string[])[]>;
  /**
   * Loads the missing names of these images. The engine has all of their content that is not in
   * `needed`. `onBytes` is called for each chunk of content that was sent.
   */
  loadImages(
    missing: readonly MissingContent[],
    { bundle, needed }: { readonly bundle: BundleFile; readonly needed: ReadonlySet<string> },
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Removes a tag, or an image by its id, without force. */
  removeImage(name: string, signal: AbortSignal): Promise<void>;
}

/**
 * Returns the stored images that are this image of a bundle, by any digest that engines use as id.
 */
export function storedAs(image: InventoryImage, stored: readonly StoredImage[]): readonly StoredImage[] {
  const digests = new Set<string>([
    image.digest,
    ...image.platforms.flatMap(({ digest, config }) => [digest, config.digest]),
  ]);
  return stored.filter(({ id }) => digests.has(id));
}

/** True if the name resolves to one of these images. As in engines, a digest overrides a tag. */
export function resolvesTo(name: string, stored: readonly StoredImage[]): boolean {
  const wanted = plainName(name);
  return stored.some(({ tags, digests }) => [...tags, ...digests].some((one) => plainName(one) === wanted));
}

export function isDigestName(name: string): boolean {
  return findReference(name)?.digest !== undefined;
}

/**
 * Returns what the store is missing. A store that does not keep repository digests, such as the
 * classic store of Docker for loaded images, has a name with a digest if it has the content.
 */
export function missingInStore(
  images: readonly InventoryImage[],
  stored: readonly StoredImage[],
  { platform, keepsDigests }: { readonly platform: Platform; readonly keepsDigests: boolean },
): { readonly missing: readonly MissingContent[]; readonly withoutPlatform: readonly InventoryImage[] } {
  const missing: MissingContent[] = [];
  const withoutPlatform: InventoryImage[] = [];
  for (const image of images) {
    const matching = storedAs(image, stored);
    const names = image.names.filter((name) =>
      isDigestName(name) && !keepsDigests ? matching.length === 0 : !resolvesTo(name, matching),
    );
    if (names.length === 0) continue;
    const found = platformFor(image, platform);
    if (found === undefined) withoutPlatform.push(image);
    else missing.push({ image, platform: found, names });
  }
  return { missing, withoutPlatform };
}

function plainName(name: string): string {
  const reference = findReference(name);
  if (reference === undefined) return name;
  const { tag, digest } = reference;
  return `${formatRepository(reference)}${digest === undefined ? `:${tag ?? "latest"}` : `@${digest}`}`;
}
