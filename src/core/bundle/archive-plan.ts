// Plans the archive: the offset of every entry is known before a layer is fetched.
import type { BlobSource, ResolvedImage } from "../images/resolved-image.js";
import { digestFromHex, digestOf, hexOf, type Digest } from "../oci/digest.js";
import { formatFacts, type FactsInput } from "./facts.js";
import { NO_CHECKSUM, sealInventory } from "./inventory-checksum.js";
import { blobsOf, type Inventory, type InventoryBase, type InventoryImage } from "./inventory.js";
import { layoutFiles, type SmallFile } from "./layout-files.js";
import { FACTS_PATH, SIGNATURE_BYTES } from "./paths.js";
import { placeEntries, type PlacedBytes } from "./place-entries.js";
import { TAR_BLOCK } from "./tar-header.js";

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
  /** Headers, small files, indexes and manifests. */
  readonly pieces: readonly PlacedBytes[];
  /** Largest first, so that no large blob remains at the end of a parallel write. */
  readonly blobs: readonly PlannedBlob[];
  /** The bundle that a differential bundle and its base make together. */
  readonly whole?: ArchivePlan;
  /** `bundle.json`, if all of it is known before the blobs are written. */
  readonly finished?: Uint8Array;
}

/** What a differential bundle is a difference from. */
export interface PlanBase {
  readonly identity: InventoryBase;
  /** Digests of the blobs that are left out. */
  readonly blobs: ReadonlySet<string>;
  /** `sha256` of the files that are left out, by path. */
  readonly held: ReadonlyMap<string, string>;
  /** Entries that the whole bundle does not have; after `facts`. */
  readonly files: readonly (SmallFile & { readonly sha256: string })[];
}

/** The input of a plan. The plan adds the `blobs` and the uncompressed sizes of layers. */
export interface ArchiveInput {
  readonly inventory: Omit<Inventory, "blobs" | "files">;
  /** The entries between `facts`, which the plan creates, and `images.tar`, in order. */
  readonly files: readonly ((SmallFile & { readonly sha256: string }) | BundledFile)[];
  /** All images, including those for the host. */
  readonly images: readonly ResolvedImage[];
  /** Makes the plan of a differential bundle. */
  readonly base?: PlanBase;
  /** True to reserve the place of a signature. */
  readonly isSigned?: boolean;
}

/** As long as any digest. Stands for that of the whole bundle until it is known. */
const UNKNOWN_DIGEST = digestFromHex("0".repeat(64));

/** Stands for the signature of the whole bundle until it is known. */
const UNKNOWN_SIGNATURE = Buffer.alloc(SIGNATURE_BYTES).toString("base64");

/** As wide as any offset or size (9 PB). Used to calculate the space reserved for `bundle.json`. */
export const WIDEST_NUMBER = 9_007_199_254_740_991;

/** Places every entry. The same input always gives the same plan. */
export function planArchive({ base, ...input }: ArchiveInput): ArchivePlan {
  const whole = planPart(input, undefined);
  return base === undefined ? whole : planPart(input, { base, whole });
}

type WholeInput = Omit<ArchiveInput, "base">;

/** Plans a whole bundle, or the part of one that a base does not have. */
function planPart(
  input: WholeInput,
  part: { readonly base: PlanBase; readonly whole: ArchivePlan } | undefined,
): ArchivePlan {
  const { base, whole } = part ?? {};
  const { manifests, blobs } = collectBlobs(input.images);
  const contents = [...manifests.values(), ...blobs.values()].map(({ digest, size }) => ({
    digest,
    size,
    isInBase: base?.blobs.has(digest) === true,
  }));
  const difference = part && {
    base: part.base.identity,
    whole: {
      digest: UNKNOWN_DIGEST,
      size: part.whole.size,
      ...(input.isSigned === true && { signature: UNKNOWN_SIGNATURE }),
    },
  };
  const entries = [factsFile(input, base, contents), ...(base?.files ?? []), ...input.files].map((file) =>
    entryOf(file, base),
  );
  const layout = layoutFiles(input.inventory.images, input.inventory.hostImages);
  const inventoryWith = (offsetOf: (digest: Digest) => number): Inventory => ({
    ...input.inventory,
    files: entries.map(({ path, sha256, size, isInBase }) => ({
      path,
      sha256,
      size,
      ...(isInBase && { isInBase }),
    })),
    blobs: contents.map(({ digest, size, isInBase }) => ({
      digest,
      size,
      ...(!isInBase && { offset: offsetOf(digest) }),
    })),
    ...difference,
  });
  const inventorySize = inventoryBytes(widest(inventoryWith(() => WIDEST_NUMBER)));
  const placed = placeEntries({
    inventorySize,
    isSigned: input.isSigned === true,
    files: entries.filter(({ isInBase }) => !isInBase),
    layout,
    blobs: contents.filter(({ isInBase }) => !isInBase),
  });
  const placeOf = <T extends { readonly digest: string }>(blob: T): readonly (T & { offset: number })[] => {
    const offset = placed.blobs.get(blob.digest);
    return offset === undefined ? [] : [{ ...blob, offset }];
  };
  return {
    inventory: inventoryWith((digest) => offsetIn(placed.blobs, digest)),
    inventorySize,
    ...(placed.signatureOffset !== undefined && { signatureOffset: placed.signatureOffset }),
    size: placed.size,
    pieces: [
      ...placed.pieces,
      ...placed.files.flatMap(({ file, offset }) => ("bytes" in file ? [{ offset, bytes: file.bytes }] : [])),
      ...[...manifests.values()].flatMap(placeOf).map(({ offset, bytes }) => ({ offset, bytes })),
    ],
    blobs: largestFirst([
      ...placed.files.flatMap(({ file, offset }) => ("bytes" in file ? [] : [plannedFile(file, offset)])),
      ...[...blobs.values()].flatMap(placeOf),
    ]),
    ...(whole !== undefined && { whole }),
  };
}

/** Sorts blobs so that no large one remains at the end of a parallel write. */
export function largestFirst(blobs: readonly PlannedBlob[]): readonly PlannedBlob[] {
  return [...blobs].sort((one, other) => other.size - one.size || (one.digest < other.digest ? -1 : 1));
}

/**
 * Returns the final `bundle.json`, padded with spaces to the reserved size, with its checksum. An
 * uncompressed size is undefined or null if it could not be read from the compressed layer. A signed
 * difference also has the signature of the whole bundle, so that a merge is signed as a full build is.
 */
export function finishInventory(
  plan: ArchivePlan,
  uncompressedSizes: ReadonlyMap<string, number | null>,
  wholeSignature?: Uint8Array,
): PlacedBytes & { readonly inventory: Inventory } {
  const sized = withUncompressedSizes(plan.inventory, (digest) => uncompressedSizes.get(digest) ?? null);
  const { whole } = plan;
  const inventory =
    whole === undefined
      ? sized
      : {
          ...sized,
          whole: {
            digest: digestOf(finishInventory(whole, uncompressedSizes).bytes),
            size: whole.size,
            ...(wholeSignature !== undefined && {
              signature: Buffer.from(wholeSignature).toString("base64"),
            }),
          },
        };
  return { offset: TAR_BLOCK, bytes: sealedInventory(inventory, plan.inventorySize), inventory };
}

/** Returns `bundle.json` of this size with its checksum. `document` is an inventory without one. */
export function sealedInventory(document: object, size: number): Buffer {
  const bytes = Buffer.alloc(size, " ");
  bytes.write(formatInventory(document).slice(0, -1));
  bytes.write("\n", size - 1);
  sealInventory(bytes);
  return bytes;
}

/** Returns the size of `bundle.json` without padding. */
export function inventoryBytes(document: object): number {
  return Buffer.byteLength(formatInventory(document));
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
  { inventory, files }: WholeInput,
  base: PlanBase | undefined,
  blobs: FactsInput["blobs"],
): SmallFile & { readonly sha256: string } {
  const placed = [...(base?.files ?? []), ...files].map((file) => entryOf(file, base));
  const bytes = Buffer.from(
    formatFacts({ ...inventory, files: placed, blobs, ...(base && { base: base.identity }) }),
  );
  return { path: FACTS_PATH, bytes, sha256: hexOf(digestOf(bytes)) };
}

/** Returns a file with its size, and whether the base has it. */
function entryOf<File extends ArchiveInput["files"][number]>(
  file: File,
  base: PlanBase | undefined,
): File & { readonly size: number; readonly isInBase: boolean } {
  const size = "bytes" in file ? file.bytes.length : file.size;
  return { ...file, size, isInBase: base?.held.get(file.path) === file.sha256 };
}

/** A bundled file is copied like a blob from a local file: streamed, and verified while copying. */
export function plannedFile(
  { path, file, size, sha256, from = 0 }: BundledFile,
  offset: number,
): PlannedBlob {
  return {
    digest: digestFromHex(sha256),
    size,
    offset,
    sources: [{ kind: "file", file, offset: from }],
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

function formatInventory(document: object): string {
  return `${JSON.stringify({ ...document, checksum: NO_CHECKSUM }, null, 1)}\n`;
}

/**
 * A file of this machine and its path in the bundle. It may be too large for memory. Its bytes are
 * copied and verified again when the bundle is written.
 */
export interface BundledFile {
  readonly path: string;
  /** Absolute path on this machine. */
  readonly file: string;
  /** Where its content begins in that file; at the start when absent. */
  readonly from?: number;
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
}
