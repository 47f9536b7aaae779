// What the program asks of an engine's own image store (docker, podman), and which names of a bundle it has.
import type { BundleFile } from "../bundle/bundle-server.js";
import type { InventoryImage } from "../bundle/inventory.js";
import { findReference, formatRepository } from "../images/reference.js";
import type { Platform } from "../oci/descriptor.js";
import { platformFor, type MissingContent } from "./missing-content.js";

/** An image as the engine lists it. */
export interface StoredImage {
  /** Digest of the config or, with the containerd store of Docker, of what the name points to. */
  readonly id: string;
  readonly tags: readonly string[];
  /** `REPOSITORY@DIGEST` */
  readonly digests: readonly string[];
}

/** An engine's image store. Calls reject with the signal's reason when it fires, and otherwise with an error that names the engine. */
export interface ImageStore {
  readonly name: string;
  /** False for an engine in which names with a digest do not resolve after loading. */
  readonly keepsDigests: boolean;
  platform(signal: AbortSignal): Promise<Platform>;
  listImages(signal: AbortSignal): Promise<readonly StoredImage[]>;
  /** Returns the ids of images that containers, stopped ones too, were made from. */
  usedImages(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** Loads the missing names of these images. `onBytes` is called for each chunk of content that was sent. */
  loadImages(
    missing: readonly MissingContent[],
    bundle: BundleFile,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Takes a tag, or an image by its id, away; never by force. */
  removeImage(name: string, signal: AbortSignal): Promise<void>;
}

/** Returns the stored images that are this image of a bundle, by any of the digests an engine may know it by. */
export function storedAs(image: InventoryImage, stored: readonly StoredImage[]): readonly StoredImage[] {
  const digests = new Set<string>([
    image.digest,
    ...image.platforms.flatMap(({ digest, config }) => [digest, config.digest]),
  ]);
  return stored.filter(({ id }) => digests.has(id));
}

/** Returns true when the name, as a bundle spells it, resolves to one of these. A tag beside a digest counts for nothing, as engines have it. */
export function resolvesTo(name: string, stored: readonly StoredImage[]): boolean {
  const wanted = plainName(name);
  return stored.some(({ tags, digests }) => [...tags, ...digests].some((one) => plainName(one) === wanted));
}

export function isDigestName(name: string): boolean {
  return findReference(name)?.digest !== undefined;
}

/**
 * Returns what the store lacks. Where it keeps no digests of registries, as Docker's classic store does with what it loads, a name with a
 * digest is there when its content is.
 */
export function missingInStore(
  images: readonly InventoryImage[],
  stored: readonly StoredImage[],
  { platform, keepsDigests }: { readonly platform: Platform; readonly keepsDigests: boolean },
): { readonly missing: readonly MissingContent[]; readonly withoutPlatform: readonly InventoryImage[] } {
  const missing: MissingContent[] = [];
  const withoutPlatform: InventoryImage[] = [];
  for (const image of images) {
    const own = storedAs(image, stored);
    const names = image.names.filter((name) =>
      isDigestName(name) && !keepsDigests ? own.length === 0 : !resolvesTo(name, own),
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
