// Finds the images of a bundle that engines refuse because of a config.
import { oneOrMany, ViolaError } from "../../errors.js";
import { findConfigFault } from "../oci/image-config.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Digest } from "../oci/digest.js";
import type { Inventory } from "./inventory.js";

/** Configs have some kilobytes; containerd reads at most 8 MiB of one. */
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

export interface UnusableImage {
  /** The name of the image. */
  readonly normalized: string;
  readonly digest: Digest;
  /** What is wrong, with the image and the platform. */
  readonly message: string;
}

/** Returns the bytes of a config, or undefined if they are not at hand. */
export type ReadConfig = (config: Descriptor) => Promise<Uint8Array | undefined>;

/** Throws `IMAGE_UNSUPPORTED` for every image with a config that engines refuse. */
export async function requireUsableImages(inventory: Inventory, read: ReadConfig): Promise<void> {
  const errors = (await findUnusableImages(inventory, read)).map(
    ({ normalized, message }) =>
      new ViolaError("IMAGE_UNSUPPORTED", message, {
        subject: normalized,
        hint: "Add it to images.exclude of the spec if nothing runs it as a container.",
      }),
  );
  if (errors.length > 0) throw oneOrMany("some images cannot be run", errors);
}

/**
 * Returns the images with a config that engines refuse. Configs that are not at hand, and those in
 * `damaged`, are skipped.
 */
export async function findUnusableImages(
  { images, hostImages = [] }: Inventory,
  read: ReadConfig,
  damaged: ReadonlySet<Digest> = new Set(),
): Promise<readonly UnusableImage[]> {
  const found: UnusableImage[] = [];
  for (const { normalized, platforms } of [...images, ...hostImages]) {
    for (const { platform, config, layers } of platforms) {
      const { digest, size } = config;
      if (damaged.has(digest)) continue;
      const bytes = size > MAX_CONFIG_BYTES ? `its config has ${size} bytes` : await read(config);
      const fault = bytes instanceof Uint8Array ? findConfigFault(bytes, layers.length) : bytes;
      if (fault === undefined) continue;
      const message = `${normalized} ${platform} is not a container image: ${fault}`;
      found.push({ normalized, digest, message });
    }
  }
  return found;
}
