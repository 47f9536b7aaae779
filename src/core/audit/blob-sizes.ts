// Measures images by their blobs, of which a bundle has each only once.
import type { InventoryImage } from "../bundle/inventory.js";
import type { AuditImage, AuditLayer, AuditTotals } from "./report.js";

/** A config or a layer, and the images that contain it. */
interface MeasuredBlob {
  readonly digest: string;
  readonly size: number;
  /** 0 for a config, and null when not known. */
  readonly uncompressedSize: number | null;
  readonly isLayer: boolean;
  readonly images: Set<string>;
}

/** Sizes in bytes of all configs and layers of one or several images. Each blob is counted once. */
export type BlobSizes = Pick<AuditImage, "compressedBytes" | "uncompressedBytes">;

export interface MeasuredBlobs {
  /** Every layer once, largest first. */
  readonly layers: readonly AuditLayer[];
  readonly totals: Pick<AuditTotals, "uniqueBytes" | "sharedBytes" | "uncompressedBytes">;
  /** Returns the sizes of an image. An image without platforms was not resolved. */
  ofImage(normalized: string): BlobSizes & Pick<AuditImage, "uniqueBytes" | "sharedBytes">;
  ofImages(normalized: readonly string[]): BlobSizes;
}

/** Measures the images. */
export function measureBlobs(
  images: readonly Pick<InventoryImage, "normalized" | "platforms">[],
): MeasuredBlobs {
  const blobs = new Map<string, MeasuredBlob>();
  const byImage = new Map<string, Set<MeasuredBlob>>();
  const add = (image: string, blob: Omit<MeasuredBlob, "images">): void => {
    const known = blobs.get(blob.digest) ?? { ...blob, images: new Set() };
    blobs.set(blob.digest, known);
    known.images.add(image);
    byImage.get(image)?.add(known);
  };
  for (const { normalized, platforms } of images) {
    byImage.set(normalized, new Set());
    for (const { config, layers } of platforms) {
      add(normalized, { digest: config.digest, size: config.size, uncompressedSize: 0, isLayer: false });
      for (const { digest, size, uncompressedSize } of layers)
        add(normalized, { digest, size, uncompressedSize, isLayer: true });
    }
  }
  const all = [...blobs.values()];
  const uniqueBytes = sumOf(all);
  const separateBytes = [...byImage.values()].reduce((sum, ofImage) => sum + sumOf([...ofImage]), 0);
  const isComplete = images.every(({ platforms }) => platforms.length > 0);
  const ofImages = (names: readonly string[]): BlobSizes => {
    const ofNames = new Set(names.flatMap((name) => [...(byImage.get(name) ?? [])]));
    // An image without blobs is one whose content is not known.
    const isKnown = names.every((name) => (byImage.get(name)?.size ?? 0) > 0);
    return {
      compressedBytes: sumOf([...ofNames]),
      uncompressedBytes: isKnown ? uncompressedOf([...ofNames]) : null,
    };
  };
  return {
    layers: all
      .filter(({ isLayer }) => isLayer)
      .map(({ digest, size, uncompressedSize, images: names }) => ({
        digest,
        size,
        uncompressedSize,
        images: [...names].sort(),
      }))
      .sort((one, other) => other.size - one.size || (one.digest < other.digest ? -1 : 1)),
    totals: {
      uniqueBytes,
      sharedBytes: separateBytes - uniqueBytes,
      uncompressedBytes: isComplete ? uncompressedOf(all) : null,
    },
    ofImage: (normalized) => {
      const own = [...(byImage.get(normalized) ?? [])].filter((blob) => blob.images.size === 1);
      const sizes = ofImages([normalized]);
      const ownBytes = sumOf(own);
      return { ...sizes, uniqueBytes: ownBytes, sharedBytes: sizes.compressedBytes - ownBytes };
    },
    ofImages,
  };
}

function sumOf(blobs: readonly MeasuredBlob[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

function uncompressedOf(blobs: readonly MeasuredBlob[]): number | null {
  return blobs.reduce<number | null>(
    (sum, { uncompressedSize: size }) => (sum === null || size === null ? null : sum + size),
    0,
  );
}
