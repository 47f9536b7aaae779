// A resolved image as the inventory lists it.
import { formatPlatform } from "../oci/platform.js";
import type { ResolvedImage } from "../images/resolved-image.js";
import type { InventoryImage } from "./inventory.js";

/** Returns the inventory's entry for the image; uncompressed sizes are null until the layers are at hand. */
export function inventoryImage(image: ResolvedImage): InventoryImage {
  const { reference, normalized, required, confidence, evidence } = image.use;
  return {
    reference,
    normalized,
    required,
    confidence,
    evidence,
    names: image.names,
    digest: image.root.digest,
    mediaType: image.root.mediaType,
    manifests: image.manifests.map(({ mediaType, digest, bytes }) => ({
      mediaType,
      digest,
      size: bytes.length,
    })),
    rebuilt: image.rebuilt,
    platforms: image.platforms.map(({ platform, manifest, config, layers }) => ({
      platform: formatPlatform(platform),
      digest: manifest.digest,
      config: { mediaType: config.mediaType, digest: config.digest, size: config.size },
      layers: layers.map(({ mediaType, digest, size }) => ({
        mediaType,
        digest,
        size,
        uncompressedSize: null,
      })),
    })),
  };
}
