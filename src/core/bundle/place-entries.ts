// Places the entries of a bundle one after another, and gives the bytes of their headers.
import { IMAGES_PATH, INVENTORY_PATH, SIGNATURE_BYTES, SIGNATURE_PATH, blobPath } from "./paths.js";
import type { SmallFile } from "./layout-files.js";
import { formatTarHeader, paddedSize, TAR_BLOCK, TAR_END } from "./tar-header.js";

/** Bytes that are known at planning time, from the start of the bundle file. */
export interface PlacedBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What a bundle consists of, in order. Sizes are in bytes. */
export interface Entries<File extends { readonly path: string; readonly size: number }> {
  readonly inventorySize: number;
  /** True to reserve the place of a signature. */
  readonly isSigned: boolean;
  /** Between `bundle.json` and `images.tar`. */
  readonly files: readonly File[];
  /** The files of `images.tar` before its blobs. */
  readonly layout: readonly SmallFile[];
  /** The blobs of `images.tar`. */
  readonly blobs: readonly { readonly digest: string; readonly size: number }[];
}

/** Where the content of every entry begins, from the start of the bundle file. */
export interface PlacedEntries<File> {
  readonly files: readonly { readonly file: File; readonly offset: number }[];
  /** By digest. */
  readonly blobs: ReadonlyMap<string, number>;
  readonly signatureOffset?: number;
  /** All headers, and the layout files. */
  readonly pieces: readonly PlacedBytes[];
  /** Size of the bundle file. */
  readonly size: number;
}

/** The same entries always have the same places. */
export function placeEntries<File extends { readonly path: string; readonly size: number }>({
  inventorySize,
  isSigned,
  files,
  layout,
  blobs,
}: Entries<File>): PlacedEntries<File> {
  const pieces: PlacedBytes[] = [];
  let end = 0;
  const place = (path: string, size: number): number => {
    pieces.push({ offset: end, bytes: formatTarHeader(path, size) });
    const offset = end + TAR_BLOCK;
    end = offset + paddedSize(size);
    return offset;
  };
  place(INVENTORY_PATH, inventorySize);
  const signatureOffset = isSigned ? place(SIGNATURE_PATH, SIGNATURE_BYTES) : undefined;
  const placedFiles = files.map((file) => ({ file, offset: place(file.path, file.size) }));
  const imagesSize =
    [...layout.map((file) => file.bytes.length), ...blobs.map((blob) => blob.size)].reduce(
      (sum, size) => sum + TAR_BLOCK + paddedSize(size),
      0,
    ) + TAR_END;
  pieces.push({ offset: end, bytes: formatTarHeader(IMAGES_PATH, imagesSize) });
  end += TAR_BLOCK;
  for (const { path, bytes } of layout) pieces.push({ offset: place(path, bytes.length), bytes });
  const offsets = new Map<string, number>();
  for (const { digest, size } of blobs) offsets.set(digest, place(blobPath(digest), size));
  // Both archives end here, images.tar and the bundle.
  return {
    ...(signatureOffset !== undefined && { signatureOffset }),
    files: placedFiles,
    blobs: offsets,
    pieces,
    size: end + 2 * TAR_END,
  };
}
