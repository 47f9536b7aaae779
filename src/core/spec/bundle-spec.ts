// The bundle spec: what the user writes, checked and with defaults filled in.
import type { ChartDependency, ChartSource } from "../charts/chart.js";
import type { Platform } from "../oci/descriptor.js";

/** A parsed `bundle.yaml`. Paths are absolute, resolved against the folder of the spec. */
export interface BundleSpec {
  readonly name: string;
  readonly version: string;
  /** Empty means the platform of the building machine. */
  readonly platforms: readonly Platform[];
  readonly kubeVersion?: string;
  readonly apiVersions: readonly string[];
  readonly charts: readonly ChartSpec[];
  /** Images to carry along besides what is found. */
  readonly extraImages: readonly ExtraImage[];
  /** References to leave out, each with the reason that the audit shows. */
  readonly excludedImages: readonly ExcludedImage[];
  /** True when images that only `helm test` starts come along. */
  readonly includeTests: boolean;
}

/** One chart and the release that it becomes. */
export interface ChartSpec {
  readonly source: ChartSource;
  readonly dependencies: readonly ChartDependency[];
  readonly release: string;
  readonly namespace: string;
  readonly valuesFiles: readonly string[];
  /** Values written in the spec itself, which win over the files; undefined when there are none. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** `--set` expressions of the command line; a spec has none. */
  readonly set: readonly string[];
}

export interface ExtraImage {
  readonly reference: string;
  /** What asked for it in a rehearsal; absent for an image that a person wished for. */
  readonly rehearsed?: string;
}

export interface ExcludedImage {
  readonly reference: string;
  readonly reason: string;
}
