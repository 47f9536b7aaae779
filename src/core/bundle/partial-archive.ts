// A partial archive: an OCI image layout in a tar with only the blobs that a node is missing.
import type { BlobPlaces } from "./blob-places.js";
import type { InventoryImage } from "./inventory.js";
import { layoutFiles } from "./layout-files.js";
import { blobPath } from "./paths.js";
import { formatTarHeader, paddedSize, TAR_END } from "./tar-header.js";

/** A stream of bytes. */
export type Chunks = AsyncIterable<Uint8Array>;

/** Bytes in memory, or a range of a file. */
export type Segment = Uint8Array | { readonly file: string; readonly offset: number; readonly size: number };

/** Streams segments in order. */
export type ReadSegments = (segments: readonly Segment[]) => Chunks;

/**
 * Lists the segments of the archive in order: layout files with all names of every image, then
 * blobs. `blobs` are the digests to send; those without a place are left out. `ctr images import`
 * reads indexes and manifests, so these must be in `blobs` or on the node.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export function planPartialArchive(
  places: BlobPlaces,
  images: readonly InventoryImage[],
  blobs: ReadonlySet<string>,
): readonly Segment[] {
  const segments: Segment[] = [];
  const add = (path: string, content: Segment, size: number): void => {
    segments.push(formatTarHeader(path, size), content, Buffer.alloc(paddedSize(size) - size));
  };
  for (const { path, bytes } of layoutFiles(images)) add(path, bytes, bytes.length);
  for (const { digest, file, offset, size } of places.values()) {
    if (blobs.has(digest)) add(blobPath(digest), { file, offset, size }, size);
  }
  segments.push(Buffer.alloc(TAR_END));
  return segments;
}
