// What workflows are given to work with: interfaces only, made in cli/wiring.
import type { ArchivePlan } from "../core/bundle/archive-plan.js";
import type { Inventory, InventoryBlob } from "../core/bundle/inventory.js";
import type { ChartTool } from "../core/charts/chart-tool.js";
import type { OperatorRule } from "../core/finding/operator-rules.js";
import type { ImageUse } from "../core/images/image-use.js";
import type { BlobSource, ResolvedImage } from "../core/images/resolved-image.js";
import type { Descriptor, Platform } from "../core/oci/descriptor.js";
import type { Digest } from "../core/oci/digest.js";
import type { Run } from "./progress.js";

/** Turns references into digests. */
export interface ImageSource {
  /**
   * Resolves `use.normalized` for the platforms, at least one, and returns everything small of it, checked against its digests.
   * Throws errors that name the image, the place asked and what was answered; the signal's reason when it fires.
   */
  resolveImage(use: ImageUse, platforms: readonly Platform[], signal: AbortSignal): Promise<ResolvedImage>;

  /** Returns the last bytes of a blob, or undefined when its place hands out whole blobs only. */
  readBlobTail(
    source: BlobSource,
    blob: Descriptor,
    bytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined>;
}

/** Writes bundle files. */
export interface BundleWriter {
  /**
   * Fills the plan into a file that appears under its name only when it is complete and synced. A write
   * that was killed goes on where it stopped. Throws every blob's failure at once, or `FILE_UNUSABLE`.
   */
  writeBundle(run: Run, plan: ArchivePlan, options: WriteOptions): Promise<WrittenBundle>;
}

export interface WriteOptions {
  /** Absolute path of the bundle file. */
  readonly file: string;
  /** Earlier bundles whose blobs are copied rather than fetched. */
  readonly reuse: readonly OpenBundle[];
}

export interface WrittenBundle {
  readonly file: string;
  readonly size: number;
  /** Digest of `bundle.json`, which covers everything else. */
  readonly digest: Digest;
  readonly inventory: Inventory;
  readonly fetchedBytes: number;
  readonly copiedBytes: number;
}

/** A bundle file whose inventory was read; its checksums are not checked yet. */
export interface OpenBundle {
  readonly file: string;
  readonly size: number;
  /** Digest of `bundle.json`. */
  readonly digest: Digest;
  readonly inventory: Inventory;
  /** Returns a small entry, or `length` bytes of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Returns where an entry before `images.tar` lies. Throws `BUNDLE_INVALID` when it is not there. */
  locate(path: string): { readonly offset: number; readonly size: number };
}

/** Reads bundle files. */
export interface BundleReader {
  /** Throws `FILE_UNUSABLE`, `BUNDLE_INVALID` or `BUNDLE_UNSUPPORTED`. */
  openBundle(file: string): Promise<OpenBundle>;
  /** Hashes blobs in parallel and returns those whose bytes are wrong or missing. */
  findDamagedBlobs(
    bundle: OpenBundle,
    onHashed: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<readonly InventoryBlob[]>;
}

/** The few things that workflows do with files. */
export interface Files {
  /** Throws `FILE_UNUSABLE`. */
  readFile(path: string): Promise<Uint8Array>;
  writeFile(path: string, content: string | Uint8Array): Promise<void>;
}

/** What finding images needs. */
export interface ChartPorts {
  readonly charts: ChartTool;
  /** Reads the knowledge base of operators, once. */
  readonly loadOperators: () => Promise<readonly OperatorRule[]>;
  readonly files: Files;
  /** An existing folder that is removed when the command ends. */
  readonly temporaryFolder: string;
  /** How many charts are worked on at once. */
  readonly chartConcurrency: number;
}

/** What planning needs. */
export interface PlanPorts extends ChartPorts {
  readonly images: ImageSource;
  /** How many images are resolved at once. */
  readonly imageConcurrency: number;
}
