// Charts: where one comes from, what is added to it, what packaging makes of it.

/** Where a chart is taken from. Paths are absolute. */
export type ChartSource =
  | {
      readonly kind: "repository";
      readonly repository: string;
      readonly name: string;
      readonly version?: string;
    }
  | { readonly kind: "oci"; readonly reference: string; readonly version?: string }
  | { readonly kind: "archive"; readonly file: string }
  | { readonly kind: "folder"; readonly folder: string };

/** A dependency as Chart.yaml writes it; a `file://` repository is absolute here. */
export interface ChartDependency {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
  readonly condition?: string;
  readonly alias?: string;
}

/** A text file in a chart archive. */
export interface ChartText {
  /** As the archive and helm write it: `app/charts/inner/Chart.yaml`. */
  readonly path: string;
  readonly text: string;
}

/** A chart with all of its dependencies inside, packaged so that the same input gives the same bytes. */
export interface PackagedChart {
  readonly name: string;
  readonly version: string;
  readonly appVersion?: string;
  /** The `kubeVersion` constraint of Chart.yaml. */
  readonly kubeVersion?: string;
  /** Absolute path of the tgz. */
  readonly file: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  /** Chart.yaml and image locks of the chart and its subcharts: what they declare. */
  readonly declarations: readonly ChartText[];
  /** True when a template asks which API versions the cluster has. */
  readonly readsApiVersions: boolean;
}

/** What decides how a chart renders, besides the chart. */
export interface RenderInput {
  readonly release: string;
  readonly namespace: string;
  /** Absolute paths, later ones win. */
  readonly valuesFiles: readonly string[];
  /** `--set` expressions, which win over files. */
  readonly set: readonly string[];
  readonly kubeVersion?: string;
  readonly apiVersions: readonly string[];
}
