// The bundle spec that the user writes, validated and with defaults applied.
import type { ChartDependency, ChartSource } from "../charts/chart.js";
import type { Platform } from "../oci/descriptor.js";

/** A parsed `bundle.yaml`. Paths are absolute; they are resolved against the folder of the spec. */
export interface BundleSpec {
  readonly name: string;
  readonly version: string;
  /** Empty means the platform of the machine that builds the bundle. */
  readonly platforms: readonly Platform[];
  readonly kubeVersion?: string;
  readonly apiVersions: readonly string[];
  readonly charts: readonly ChartSpec[];
  /** Images to include in addition to those found. */
  readonly extraImages: readonly ExtraImage[];
  /** Images to exclude, each with the reason that the audit shows. */
  readonly excludedImages: readonly ExcludedImage[];
  /** Warnings about the list of images that a person has judged. */
  readonly silencedWarnings: readonly SilencedWarning[];
  /** What the audit accepts, and its limits; absent when the spec does not say. */
  readonly audit?: AuditSettings;
  /** True when images that only `helm test` starts are included. */
  readonly includeTests: boolean;
  /** True when signatures, attestations and other artifacts of the images are included. */
  readonly includeReferrers?: boolean;
}

/** A chart and the release to install it as. */
export interface ChartSpec {
  readonly source: ChartSource;
  readonly dependencies: readonly ChartDependency[];
  readonly release: string;
  readonly namespace: string;
  readonly valuesFiles: readonly string[];
  /** Values from the spec itself, which override the files; undefined when there are none. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** `--set` expressions from the command line; a spec has none. */
  readonly set: readonly string[];
}

export interface ExtraImage {
  readonly reference: string;
  /** What required the image in a rehearsal; absent for an image that a person added. */
  readonly rehearsed?: string;
}

export interface SilencedWarning {
  readonly code: string;
  /** The object, the chart or an image of the warning; absent for all warnings with the code. */
  readonly subject?: string;
  readonly reason: string;
}

/** What the spec says about the audit. It is also in the bundle. */
export interface AuditSettings {
  /** Compressed size in bytes. */
  readonly maxBytes?: number;
  /** Compressed size in bytes. */
  readonly maxLayerBytes?: number;
  readonly maxAgeDays?: number;
  readonly suppress?: readonly Suppression[];
  /** By the name that the audit finds. */
  readonly components?: Readonly<Record<string, ComponentOverride>>;
  /** By repository with its registry, or by normalized reference, which goes before it. */
  readonly images?: Readonly<Record<string, ImageOverride>>;
}

/** What the audit calls a component, and what it says about it. */
export interface ComponentOverride {
  /** Another name. Components of a release with the same name are one. */
  readonly name?: string;
  readonly purpose?: string;
}

export interface ImageOverride {
  /** The component that it belongs to. */
  readonly component?: string;
  readonly purpose?: string;
}

/** A finding that a person has accepted. */
export interface Suppression {
  /** Id of a rule. */
  readonly rule: string;
  /** The subject of the finding, or the repository of its image; absent for all of the rule. */
  readonly subject?: string;
  readonly reason: string;
  /** The last day, such as `2026-12-31`; absent for no end. */
  readonly until?: string;
}

export interface ExcludedImage {
  readonly reference: string;
  readonly reason: string;
}
