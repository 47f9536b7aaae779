// Interfaces that adapters implement and workflows use. cli/wiring creates the adapters.
import type { ArchivePlan } from "../core/bundle/archive-plan.js";
import type { BlobPlaces, Place, PlacedBlob } from "../core/bundle/blob-places.js";
import type { Inventory, InventoryBase } from "../core/bundle/inventory.js";
import type { ChartTool } from "../core/charts/chart-tool.js";
import type { OperatorIndex } from "../core/finding/operator-index.js";
import type { ReadPrograms } from "../core/finding/program/remembered.js";
import type { ImageArtifact } from "../core/images/image-artifact.js";
import type { ImageUse } from "../core/images/image-use.js";
import type { BlobSource, ResolvedImage } from "../core/images/resolved-image.js";
import type { Descriptor, Platform } from "../core/oci/descriptor.js";
import type { Digest } from "../core/oci/digest.js";
import type { BundleSignature } from "../core/signing/signature.js";
import type { Run } from "./progress.js";

/** Resolves references to digests. */
export interface ImageSource {
  /**
   * Resolves `use.normalized` for the platforms (at least one), and returns its manifests and
   * configs after checking their digests. Throws errors that name the image, the registry or engine
   * that was queried, and its response. Rejects with the signal's reason when the signal fires.
   */
  resolveImage(use: ImageUse, platforms: readonly Platform[], signal: AbortSignal): Promise<ResolvedImage>;

  /**
   * Returns a small blob, such as a config, after checking its digest. `subject` is the image, for
   * messages. Throws if its source does not have it, or if it is larger than a config may be.
   */
  readBlob(source: BlobSource, blob: Descriptor, subject: string, signal: AbortSignal): Promise<Uint8Array>;

  /** Returns the last bytes of a blob, or undefined if its source serves only whole blobs. */
  readBlobTail(
    source: BlobSource,
    blob: Descriptor,
    bytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined>;
}

/** Finds what belongs to images in registries. */
export interface ArtifactSource {
  /**
   * Returns the signatures, attestations, SBOMs and other artifacts that refer to the image or to one
   * of its platforms, sorted by digest for each. Throws errors that name the image.
   */
  findArtifacts(image: ResolvedImage, signal: AbortSignal): Promise<readonly ImageArtifact[]>;
}

/** The repository of an image: registry host, and path in the registry. */
export interface ImageRepository {
  readonly registry: string;
  readonly repository: string;
}

/** Registries, as far as newer versions of images are concerned. Both throw errors of the registry. */
export interface TagRegistry {
  /** Returns all tags of the repository, in no particular order. */
  listTags(repository: ImageRepository, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Returns the bytes of configs and layers for the platforms, or undefined when the image does not
   * have all of them. Each blob is counted once.
   */
  measureImage(
    image: ImageRepository & { readonly tag: string },
    platforms: readonly Platform[],
    signal: AbortSignal,
  ): Promise<number | undefined>;
}

/** Blobs that earlier runs have kept. */
export interface CachedBlobs {
  /** Returns the file of the blob, whose content may be damaged, or undefined. */
  find(blob: Pick<Descriptor, "digest" | "size">): Promise<Extract<BlobSource, { kind: "file" }> | undefined>;
}

/** Keeps the blobs of builds. */
export interface BlobKeeper {
  /**
   * Keeps a blob of a complete bundle. Throws system errors, for example if the disk is full; then
   * the blob is not kept.
   */
  store(
    blob: Pick<Descriptor, "digest" | "size">,
    source: Extract<BlobSource, { kind: "file" }>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Removes the blobs that were not used for the longest time until the rest has the size of the cache. */
  trim(): Promise<void>;
}

/** A blob that is kept between runs. */
export interface StoredBlob {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** When a build last used it. */
  readonly usedAt: Date;
}

/** The blobs that are kept between runs. Every method throws system errors. */
export interface BlobStore {
  /** Absolute path. */
  readonly folder: string;
  /** The size that builds reduce it to, in bytes. */
  readonly limitBytes: number;
  list(): Promise<readonly StoredBlob[]>;
  /** Reads the blob and returns whether its content has its digest. */
  isIntact(
    blob: Pick<StoredBlob, "digest">,
    onRead: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<boolean>;
  remove(blob: Pick<StoredBlob, "digest">): Promise<void>;
  /** Removes the blobs that were not used for the longest time until the rest has at most this size. */
  trim(limitBytes: number): Promise<void>;
}

/** Remembers what was found in operators' programs, so that an image is read once. */
export interface ProgramMemory {
  /** Returns what is remembered under the key, or undefined. */
  recall(key: string): Promise<ReadPrograms | undefined>;
  /** A failure to write is not an error: the programs are then read again. */
  remember(key: string, programs: ReadPrograms): Promise<void>;
}

/** Writes bundle files. */
export interface BundleWriter {
  /**
   * Writes the planned bundle. The file gets its name only after it is complete and synced. A write
   * that was killed is resumed. Throws the failures of all blobs at once, or `FILE_UNUSABLE`.
   */
  writeBundle(run: Run, plan: ArchivePlan, options: WriteOptions): Promise<WrittenBundle>;
}

export interface WriteOptions {
  /** Absolute path of the bundle file. */
  readonly file: string;
  /** Earlier bundles to copy blobs from instead of fetching them. */
  readonly reuse: readonly OpenBundle[];
  /** The base of a differential bundle, with all of its blobs. */
  readonly base?: OpenBundle;
  /** The mode of the file, to which the umask applies. 0666 when absent. */
  readonly mode?: number;
  /** Files that have single blobs, by digest. A file whose content is wrong is not used. */
  readonly files?: ReadonlyMap<string, Extract<BlobSource, { kind: "file" }>>;
  /** Signs `bundle.json` of a plan that has a place for the signature. */
  readonly sign?: SignBytes;
}

/**
 * Returns the Ed25519 signature of the bytes, which has 64 bytes. Throws `SIGNING_FAILED`, and the
 * signal's reason.
 */
export type SignBytes = (bytes: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

export interface WrittenBundle {
  readonly file: string;
  readonly size: number;
  /** Digest of `bundle.json`, which contains the digests of everything else. */
  readonly digest: Digest;
  readonly inventory: Inventory;
  readonly fetchedBytes: number;
  readonly copiedBytes: number;
}

/** A bundle file whose inventory was read. Its checksums are not verified yet. */
export interface OpenBundle {
  readonly file: string;
  readonly size: number;
  /** Digest of `bundle.json`. */
  readonly digest: Digest;
  readonly inventory: Inventory;
  /** The blobs at hand. Of a differential bundle, `inventory.blobs` lists more; see `openWithBases`. */
  readonly blobs: BlobPlaces;
  /** The base whose blobs are not at hand; absent if all blobs are. */
  readonly missingBase?: InventoryBase | undefined;
  /** Absent for a bundle that is not signed. */
  readonly signature?: BundleSignature;
  /** The files that the bundle is in. Absent if it is one file. */
  readonly parts?: readonly BundlePart[];
  /**
   * Hashes the parts and returns those whose content is not that of their header. Absent if the
   * bundle is one file.
   */
  findDamagedParts?(signal: AbortSignal): Promise<readonly BundlePart[]>;
  /** Returns `length` bytes of the file from `offset`. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Returns `length` bytes of a place from `from`; all of them by default. */
  readPlace(place: Place, from?: number, length?: number): Promise<Uint8Array>;
  /**
   * Returns the place of an entry before `images.tar`. Throws `BUNDLE_INVALID` if it is missing, and
   * `BASE_MISSING` if it is in a base that is not at hand.
   */
  locate(path: string): Place;
}

/** A part of a bundle, which is a file of its own. */
export interface BundlePart {
  readonly file: string;
  /** Counts from 1. */
  readonly number: number;
  /** From the start of the bundle, in bytes. */
  readonly offset: number;
  readonly size: number;
  /** Digest of the bytes of the bundle in this part. */
  readonly content: Digest;
}

/** Reads bundle files. */
export interface BundleReader {
  /**
   * Opens a bundle, and checks its signature if keys are required. Throws `FILE_UNUSABLE`,
   * `BUNDLE_INVALID`, `BUNDLE_UNSUPPORTED`, `SIGNATURE_MISSING` or `SIGNATURE_INVALID`.
   */
  openBundle(file: string): Promise<OpenBundle>;
  /** Hashes blobs in parallel and returns those whose bytes are wrong or missing. */
  findDamagedBlobs(
    bundle: OpenBundle,
    onHashed: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<readonly PlacedBlob[]>;
  /**
   * Decompresses the layers in parallel and returns those whose content does not have the diff id,
   * or cannot be decompressed by this Node.js. Takes some twenty times as long as hashing.
   */
  findWrongLayers(
    layers: readonly PackedLayer[],
    onRead: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<readonly WrongLayer[]>;
}

/** A layer of the bundle, and the digest that an image's config states for its tar. */
export interface PackedLayer extends PlacedBlob {
  readonly diffId: string;
}

export interface WrongLayer {
  readonly layer: PackedLayer;
  /**
   * The digest of its tar, or why it cannot be decompressed; absent if this Node.js does not support
   * its compression.
   */
  readonly actual?: string;
}

/** The file operations that workflows need. */
export interface Files {
  /** Throws `FILE_UNUSABLE`. */
  readFile(path: string, limitBytes?: number): Promise<Uint8Array>;
  writeFile(path: string, content: string | Uint8Array): Promise<void>;
}

/** The adapters that finding images works with. */
export interface ChartPorts {
  readonly charts: ChartTool;
  /** Reads the knowledge base of operators once. */
  readonly loadOperators: () => Promise<OperatorIndex>;
  readonly files: Files;
  /** An existing folder that is removed when the command ends. */
  readonly temporaryFolder: string;
  /** How many charts are packaged or rendered at once. */
  readonly chartConcurrency: number;
}

/** The adapters that planning works with. */
export interface PlanPorts extends ChartPorts {
  readonly images: ImageSource;
  readonly artifacts: ArtifactSource;
  /** How many images are resolved at once. */
  readonly imageConcurrency: number;
}
