// Charts: source, dependencies, and the packaged chart.
import type { ApiVersionTests } from "./api-version-tests.js";

/** The source of a chart. Paths are absolute. */
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

/** A dependency as in Chart.yaml, except that the path of a `file://` repository is absolute. */
export interface ChartDependency {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
  readonly condition?: string;
  readonly alias?: string;
}

/** A text file in a chart archive. */
export interface ChartText {
  /** Path in the archive: `app/charts/inner/Chart.yaml`. */
  readonly path: string;
  readonly text: string;
}

/** A file or folder of a chart folder that its package lacks. */
export interface LeftOut {
  /** Path in the chart: `templates/a.yaml`, `charts/inner/files`. */
  readonly path: string;
  /** What it is: `a link to ../a.yaml, outside the chart`. */
  readonly reason: string;
}

/** What the user can do about files that are left out. */
export const LEFT_OUT_HINT =
  "If the chart needs it, copy it into the chart; otherwise add it to .helmignore. " +
  "A chart beside this one can be a file:// dependency.";

/** A packaged chart that contains all of its dependencies. Packaging is reproducible. */
export interface PackagedChart {
  readonly name: string;
  readonly version: string;
  readonly appVersion?: string;
  /** The `kubeVersion` constraint of Chart.yaml. */
  readonly kubeVersion?: string;
  /** Absolute path of an archive to render; see `ChartTool.readPackage` for that of a bundle. */
  readonly file: string;
  /** Digest of the content. */
  readonly digest: string;
  /** Chart.yaml, requirements.yaml and image lock files of the chart and its subcharts. */
  readonly declarations: readonly ChartText[];
  /**
   * Those among the tested API versions that definitions in the `crds` folders of the chart and its
   * subcharts add. Helm installs these before it renders the templates.
   */
  readonly testedDefinitions: readonly string[];
  /** The API versions that its templates test for. */
  readonly apiVersionTests: ApiVersionTests;
  /** Links that lead out of the chart folder, and the like. Empty for a chart that is an archive. */
  readonly leftOut: readonly LeftOut[];
}

/** The input for rendering, apart from the chart. */
export interface RenderInput {
  readonly release: string;
  readonly namespace: string;
  /** Absolute paths; later files override earlier ones. */
  readonly valuesFiles: readonly string[];
  /** `--set` expressions, which override the files. */
  readonly set: readonly string[];
  readonly kubeVersion?: string;
  readonly apiVersions: readonly string[];
}
