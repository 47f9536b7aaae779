// The report of an audit: what is in a bundle by component, image and layer, and what to review.
import type { Inventory, InventoryImage } from "../bundle/inventory.js";
import type { Evidence, FindingWarning } from "../images/image-use.js";
import type { Outdated } from "./outdated.js";

/** The version of the JSON document. It changes when a field is removed or changes its meaning. */
export const AUDIT_FORMAT_VERSION = 2;

/** The audit of a spec or a bundle. Sizes are in bytes. */
export interface AuditReport {
  readonly formatVersion: typeof AUDIT_FORMAT_VERSION;
  readonly name: string;
  readonly version: string;
  readonly platforms: readonly string[];
  /** The Kubernetes version that the charts were rendered for; null for the default of Helm. */
  readonly kubeVersion: string | null;
  readonly releases: Inventory["releases"];
  /** Sorted by name. */
  readonly components: readonly AuditComponent[];
  /** Sorted by `normalized`. */
  readonly images: readonly AuditImage[];
  /** Every layer once, largest first. */
  readonly layers: readonly AuditLayer[];
  readonly totals: AuditTotals;
  /** Suppressed findings are included. */
  readonly findings: readonly AuditFinding[];
  readonly warnings: readonly FindingWarning[];
  /** Only on request, because registries are asked. */
  readonly outdated?: Outdated;
}

/** A report before the rules were applied. */
export type AuditContents = Omit<AuditReport, "findings">;

export interface AuditTotals {
  readonly images: number;
  readonly layers: number;
  /** Size of all configs and layers; each blob is counted once. */
  readonly uniqueBytes: number;
  /** Bytes saved because images share blobs. */
  readonly sharedBytes: number;
  /** Size of all layers after decompression; null when that of at least one is not known. */
  readonly uncompressedBytes: number | null;
}

/** A part of the software that is installed, such as Prometheus, with the images that it runs. */
export interface AuditComponent {
  readonly name: string;
  readonly purpose: string | null;
  readonly release: string | null;
  readonly namespace: string | null;
  /** The innermost chart that it comes from. */
  readonly chart: AuditChart | null;
  readonly workloads: readonly AuditWorkload[];
  readonly images: readonly AuditComponentImage[];
  /** Each blob is counted once. */
  readonly compressedBytes: number;
  /** Each layer is counted once. Null when the size of at least one is not known. */
  readonly uncompressedBytes: number | null;
}

export interface AuditChart {
  readonly name: string;
  readonly version: string;
  readonly appVersion: string | null;
  readonly description: string | null;
}

export interface AuditComponentImage {
  readonly normalized: string;
  readonly purpose: string | null;
  readonly workloads: readonly AuditWorkload[];
}

/** An object that runs Pods. */
export interface AuditWorkload {
  /** The kind that runs the image, such as `StatefulSet`. */
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  /** The custom resource that stands for it, such as `Prometheus monitoring/viola`. */
  readonly resource: string | null;
}

/** One image. Sizes cover all platforms that the bundle includes; each blob is counted once. */
export interface AuditImage {
  readonly reference: string;
  readonly normalized: string;
  readonly registry: string;
  /** With the registry. */
  readonly repository: string;
  readonly tag: string | null;
  /** The tag, or the digest when there is no tag. */
  readonly version: string;
  readonly digest: string;
  readonly required: boolean;
  readonly confidence: InventoryImage["confidence"];
  readonly rebuilt: boolean;
  /** Names of the components that use the image. */
  readonly components: readonly string[];
  /** Objects that use the image, such as `StatefulSet monitoring/loki-write`. */
  readonly usedBy: readonly string[];
  readonly purpose: string | null;
  /**
   * When the newest platform was created, as an ISO date with time. Null when the config has no
   * date, an invalid one, or one before 1971, as reproducible builds write.
   */
  readonly created: string | null;
  /** The user of the config. Null when not known, and empty when none is set, which is root. */
  readonly user: string | null;
  /** From the labels `org.opencontainers.image.base.*`. */
  readonly base: AuditBase | null;
  readonly platforms: readonly AuditPlatform[];
  readonly compressedBytes: number;
  /** Null when the uncompressed size of at least one layer is not known. */
  readonly uncompressedBytes: number | null;
  /** Size of the blobs that no other image of the bundle uses: what a bundle without it saves. */
  readonly uniqueBytes: number;
  readonly sharedBytes: number;
  readonly evidence: readonly Evidence[];
}

/** The image that an image was built from. */
export interface AuditBase {
  readonly name: string | null;
  readonly digest: string | null;
}

export interface AuditPlatform {
  readonly platform: string;
  readonly digest: string;
  /** Digests of the layers, in order. */
  readonly layers: readonly string[];
  readonly compressedBytes: number;
  readonly uncompressedBytes: number | null;
  /** See `AuditImage.created`. */
  readonly created: string | null;
  readonly user: string | null;
}

export interface AuditLayer {
  readonly digest: string;
  readonly size: number;
  readonly uncompressedSize: number | null;
  /** The images that contain it, as `normalized`. */
  readonly images: readonly string[];
}

export type Severity = "error" | "warning" | "note";

/** Something that a person should review. */
export interface AuditFinding {
  /** Id of the rule, such as `duplicate-versions`. */
  readonly rule: string;
  readonly severity: Severity;
  /** What it is about: a normalized reference, a repository, a chart or an object. */
  readonly subject: string;
  /** What is the case. */
  readonly message: string;
  /** Why it matters. */
  readonly why: string;
  /** What to do about it. */
  readonly action: string;
  /** The reason in the spec why it does not count. Absent when the suppression has expired. */
  readonly suppressed?: { readonly reason: string; readonly until?: string };
  /** Which texts the finding has (`FINDING_TEXTS`), and the values in them. */
  readonly kind: string;
  readonly values: Readonly<Record<string, string | number>>;
}
