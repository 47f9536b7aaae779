// A thin archive: an OCI image layout as a tar that holds only the blobs that a node lacks.
import type { Inventory, InventoryImage } from "./inventory.js";
import { layoutFiles } from "./layout-files.js";
import { blobPath } from "./paths.js";
import { formatTarHeader, paddedSize, TAR_END } from "./tar-header.js";

/** Bytes as they come. */
export type Chunks = AsyncIterable<Uint8Array>;

/** Bytes at hand, or a stretch of the bundle file. */
export type Segment = Uint8Array | { readonly offset: number; readonly size: number };

/** Reads stretches of a file, in order and one after another. */
export type ReadSegments = (path: string, segments: readonly Segment[]) => Chunks;

/**
 * Lists the segments of the archive, in order: layout files that name every image by all of its names, then the blobs.
 * `blobs` are those to send; `ctr images import` walks indexes and manifests, so they must be among them or on the node.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export function planPartialArchive(
  inventory: Inventory,
  images: readonly InventoryImage[],
  blobs: ReadonlySet<string>,
): readonly Segment[] {
  const segments: Segment[] = [];
  const add = (path: string, content: Segment, size: number): void => {
    segments.push(formatTarHeader(path, size), content, Buffer.alloc(paddedSize(size) - size));
  };
  for (const { path, bytes } of layoutFiles(images)) add(path, bytes, bytes.length);
  for (const { digest, size, offset } of inventory.blobs) {
    if (blobs.has(digest)) add(blobPath(digest), { offset, size }, size);
  }
  segments.push(Buffer.alloc(TAR_END));
  return segments;
}
