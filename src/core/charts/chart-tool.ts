// The interface to Helm.
import type { ChartDependency, ChartSource, PackagedChart, RenderInput } from "./chart.js";

/** What is known of a package before all of its files are read. */
export type ExpectedPackage = Pick<PackagedChart, "file" | "testedDefinitions">;

/** Where a chart is packaged to. */
export interface PackageTarget {
  readonly directory: string;
  /**
   * Is notified of what the package will probably be, as soon as there is an archive. There is another
   * call when the chart turns out to lack something, or to test for its own definitions.
   */
  readonly onPackage?: (chart: ExpectedPackage) => void;
}

/**
 * Packages and renders charts. Every method rejects with an AbortError when the signal is aborted.
 */
export interface ChartTool {
  /**
   * Fetches the chart, adds the dependencies to its Chart.yaml, downloads missing dependencies into
   * it, and writes an archive of it to the target. The archive of a chart that needs no change is
   * kept as it is. See `readPackage` for the package that goes into a bundle. Links in a chart
   * folder are followed only inside the folder; others are left out.
   * Throws `CHART_UNAVAILABLE` with the chart and the error of the server.
   */
  packageChart(
    source: ChartSource,
    dependencies: readonly ChartDependency[],
    target: PackageTarget,
    signal: AbortSignal,
  ): Promise<PackagedChart>;

  /** Returns the bytes of the package for a bundle: reproducible for the same files. */
  readPackage(chart: Pick<PackagedChart, "file">, signal: AbortSignal): Promise<Uint8Array>;

  /**
   * Returns the source in a form that does not depend on the user's helm configuration: a
   * repository given by its local name (`@NAME`) is replaced by its URL, unless that has a password.
   * Other sources are returned unchanged.
   * Throws `CHART_UNAVAILABLE` when helm has no repository of this name.
   */
  spellOutSource(source: ChartSource, signal: AbortSignal): Promise<ChartSource>;

  /**
   * Returns the output of `helm template --include-crds`, including hooks. Does not use the
   * network.
   * Throws `CHART_RENDER_FAILED` with chart and template.
   */
  renderChart(
    chart: Pick<PackagedChart, "name" | "version" | "file">,
    input: RenderInput,
    signal: AbortSignal,
  ): Promise<string>;
}

/** A version of a chart in a repository. */
export interface ListedChart {
  readonly name: string;
  readonly version: string;
}

/** Reads the indexes of chart repositories. */
export interface ChartRepositories {
  /**
   * Returns every version of every chart in a repository, which is a URL or `@NAME`.
   * Throws `CHART_UNAVAILABLE` with the repository and the reason.
   */
  listCharts(repository: string, signal: AbortSignal): Promise<readonly ListedChart[]>;
}
