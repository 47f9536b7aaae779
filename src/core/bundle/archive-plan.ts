// Plans the archive: the offset of every entry is known before a layer is fetched.
import type { BlobSource, ResolvedImage } from "../images/resolved-image.js";
import { digestFromHex, digestOf, hexOf, type Digest } from "../oci/digest.js";
import { formatFacts } from "./facts.js";
import { NO_CHECKSUM, sealInventory } from "./inventory-checksum.js";
import { blobsOf, type Inventory, type InventoryImage } from "./inventory.js";
import { layoutFiles, type SmallFile } from "./layout-files.js";
import {
  blobPath,
  FACTS_PATH,
  IMAGES_PATH,
  INVENTORY_PATH,
  SIGNATURE_BYTES,
  SIGNATURE_PATH,
} from "./paths.js";
import { formatTarHeader, paddedSize, TAR_BLOCK, TAR_END } from "./tar-header.js";

/** Bytes that are known at planning time: headers, small files, indexes and manifests. */
export interface ByteRange {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A config, layer or bundled program, whose bytes are written after planning. */
export interface PlannedBlob {
  readonly digest: Digest;
  readonly size: number;
  /** From the start of the bundle file. */
  readonly offset: number;
  /** Sources of the blob, in order of preference. */
  readonly sources: readonly BlobSource[];
  /** The first image that refers to it, or the path of the file. Used in messages. */
  readonly image: string;
}

export interface ArchivePlan {
  /**
   * Complete except for the uncompressed sizes of layers, which are read from the written layers.
   */
  readonly inventory: Inventory;
  /** Bytes reserved for `bundle.json`. */
  readonly inventorySize: number;
  /** Where the signature of `bundle.json` is written, if the bundle is signed. */
  readonly signatureOffset?: number;
  /** Size of the file in bytes. */
  readonly size: number;
  readonly pieces: readonly ByteRange[];
  /** Largest first, so that no large blob remains at the end of a parallel write. */
  readonly blobs: readonly PlannedBlob[];
}

/** The input of a plan. The plan adds the `blobs` and the uncompressed sizes of layers. */
export interface ArchiveInput {
  readonly inventory: Omit<Inventory, "blobs" | "files">;
  /** The entries between `facts`, which the plan creates, and `images.tar`, in order. */
  readonly files: readonly ((SmallFile & { readonly sha256: string }) | BundledFile)[];
  /** All images, including those for the host. */
  readonly images: readonly ResolvedImage[];
  /** True to reserve the place of a signature. */
  readonly isSigned?: boolean;
}

/** As wide as any offset or size (9 PB). Used to calculate the space reserved for `bundle.json`. */
const WIDEST_NUMBER = 9_007_199_254_740_991;

/** Places every entry. The same input always gives the same plan. */
export function planArchive(input: ArchiveInput): ArchivePlan {
  const { manifests, blobs } = collectBlobs(input.images);
  const contents = [...manifests.values(), ...blobs.values()];
  const facts = factsFile(input, contents);
  const entries = [facts, ...input.files];
  const files = entries.map(inventoryFile);
  const inventoryWith = (offsetOf: (digest: Digest) => number): Inventory => ({
    ...input.inventory,
    files,
    blobs: contents.map(({ digest, size }) => ({ digest, size, offset: offsetOf(digest) })),
  });
  const layout = layoutFiles(input.inventory.images, input.inventory.hostImages);
  const inventorySize = Buffer.byteLength(formatInventory(widest(inventoryWith(() => WIDEST_NUMBER))));

  const pieces: ByteRange[] = [];
  const bundled: PlannedBlob[] = [];
  let offset = 0;
  const place = (path: string, size: number): number => {
    pieces.push({ offset, bytes: formatTarHeader(path, size) });
    const at = offset + TAR_BLOCK;
    offset = at + paddedSize(size);
    return at;
  };

  place(INVENTORY_PATH, inventorySize);
  const signatureOffset = input.isSigned === true ? place(SIGNATURE_PATH, SIGNATURE_BYTES) : undefined;
  for (const file of entries) {
    const at = place(file.path, sizeOf(file));
    if ("bytes" in file) pieces.push({ offset: at, bytes: file.bytes });
    else bundled.push(plannedFile(file, at));
  }
  const imagesSize =
    [...layout.map((file) => file.bytes.length), ...contents.map((blob) => blob.size)].reduce(
      (sum, size) => sum + TAR_BLOCK + paddedSize(size),
      0,
    ) + TAR_END;
  pieces.push({ offset, bytes: formatTarHeader(IMAGES_PATH, imagesSize) });
  offset += TAR_BLOCK;
  for (const file of layout) pieces.push({ offset: place(file.path, file.bytes.length), bytes: file.bytes });
  const offsets = new Map<string, number>();
  for (const blob of contents) offsets.set(blob.digest, place(blobPath(blob.digest), blob.size));
  for (const manifest of manifests.values()) {
    pieces.push({ offset: offsetIn(offsets, manifest.digest), bytes: manifest.bytes });
  }
  offset += TAR_END;

  return {
    inventory: inventoryWith((digest) => offsetIn(offsets, digest)),
    inventorySize,
    ...(signatureOffset !== undefined && { signatureOffset }),
    size: offset + TAR_END,
    pieces,
    blobs: [
      ...bundled,
      ...[...blobs.values()].map((blob) => ({ ...blob, offset: offsetIn(offsets, blob.digest) })),
    ].sort((one, other) => other.size - one.size || (one.digest < other.digest ? -1 : 1)),
  };
}

/**
 * Returns the final `bundle.json`, padded with spaces to the reserved size, with its checksum. An
 * uncompressed size is undefined or null if it could not be read from the compressed layer.
 */
export function finishInventory(
  plan: ArchivePlan,
  uncompressedSizes: ReadonlyMap<string, number | null>,
): ByteRange & { readonly inventory: Inventory } {
  const inventory = withUncompressedSizes(plan.inventory, (digest) => uncompressedSizes.get(digest) ?? null);
  const text = formatInventory(inventory);
  const bytes = Buffer.alloc(plan.inventorySize, " ");
  bytes.write(text.slice(0, -1));
  bytes.write("\n", plan.inventorySize - 1);
  sealInventory(bytes);
  return { offset: TAR_BLOCK, bytes, inventory };
}

function collectBlobs(images: readonly ResolvedImage[]): {
  manifests: ReadonlyMap<string, { digest: Digest; size: number; bytes: Uint8Array }>;
  blobs: ReadonlyMap<string, Omit<PlannedBlob, "offset">>;
} {
  const manifests = new Map<string, { digest: Digest; size: number; bytes: Uint8Array }>();
  const blobs = new Map<string, Omit<PlannedBlob, "offset"> & { sources: BlobSource[] }>();
  for (const image of images) {
    for (const { digest, bytes } of image.manifests)
      manifests.set(digest, { digest, size: bytes.length, bytes });
    for (const artifact of image.artifacts ?? []) {
      for (const { digest, bytes } of artifact.manifests)
        manifests.set(digest, { digest, size: bytes.length, bytes });
    }
    for (const content of [
      ...image.platforms.map(blobsOf),
      ...(image.artifacts ?? []).map((one) => one.blobs),
    ]) {
      for (const { digest, size } of content) {
        const blob = blobs.get(digest) ?? { digest, size, sources: [], image: image.use.normalized };
        const source = image.sources.get(digest);
        if (source !== undefined && !blob.sources.some((known) => sameSource(known, source)))
          blob.sources.push(source);
        blobs.set(digest, blob);
      }
    }
  }
  return { manifests: sortedByKey(manifests), blobs: sortedByKey(blobs) };
}

/**
 * Offsets in facts count from the end of the facts, so they are known before entries are placed.
 */
function factsFile(
  { inventory, files }: ArchiveInput,
  blobs: readonly { readonly digest: string; readonly size: number }[],
): SmallFile & { readonly sha256: string } {
  const bytes = Buffer.from(formatFacts({ ...inventory, files: files.map(inventoryFile), blobs }));
  return { path: FACTS_PATH, bytes, sha256: hexOf(digestOf(bytes)) };
}

function inventoryFile(file: ArchiveInput["files"][number]): Inventory["files"][number] {
  return { path: file.path, sha256: file.sha256, size: sizeOf(file) };
}

function sizeOf(file: SmallFile | BundledFile): number {
  return "bytes" in file ? file.bytes.length : file.size;
}

/** A bundled file is copied like a blob from a local file: streamed, and verified while copying. */
function plannedFile({ path, file, size, sha256 }: BundledFile, offset: number): PlannedBlob {
  return {
    digest: digestFromHex(sha256),
    size,
    offset,
    sources: [{ kind: "file", file, offset: 0 }],
    image: path,
  };
}

function sameSource(one: BlobSource, other: BlobSource): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function sortedByKey<T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...map].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function offsetIn(offsets: ReadonlyMap<string, number>, digest: string): number {
  const offset = offsets.get(digest);
  if (offset === undefined) throw new Error(`blob ${digest} was not placed`);
  return offset;
}

function widest(inventory: Inventory): Inventory {
  return withUncompressedSizes(inventory, () => WIDEST_NUMBER);
}

function withUncompressedSizes(inventory: Inventory, sizeOf: (digest: string) => number | null): Inventory {
  const images = inventory.images.map((image): InventoryImage => ({
    ...image,
    platforms: image.platforms.map((platform) => ({
      ...platform,
      layers: platform.layers.map((layer) => ({ ...layer, uncompressedSize: sizeOf(layer.digest) })),
    })),
  }));
  return { ...inventory, images };
}

function formatInventory(inventory: Inventory): string {
  return `${JSON.stringify({ ...inventory, checksum: NO_CHECKSUM }, null, 1)}\n`;
}

/**
 * A file of this machine and its path in the bundle. It may be too large for memory. Its bytes are
 * copied and verified again when the bundle is written.
 */
export interface BundledFile {
  readonly path: string;
  /** Absolute path on this machine. */
  readonly file: string;
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
}
