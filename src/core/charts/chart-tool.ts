// What the program asks of Helm.
import type { ChartDependency, ChartSource, PackagedChart, RenderInput } from "./chart.js";

/** Packages and renders charts. Every call ends early with an AbortError when the signal fires. */
export interface ChartTool {
  /**
   * Fetches the chart, adds the dependencies to its own Chart.yaml, vendors whatever is missing, and writes a reproducible
   * `NAME-VERSION.tgz` into `directory`.
   * Throws `CHART_UNAVAILABLE` naming the chart and what answered.
   */
  packageChart(
    source: ChartSource,
    dependencies: readonly ChartDependency[],
    directory: string,
    signal: AbortSignal,
  ): Promise<PackagedChart>;

  /**
   * Returns the source for others to use: a repository that the user's helm knows by name (`@NAME`) by its URL, anything else as it is.
   * Throws `CHART_UNAVAILABLE` when helm does not know the name.
   */
  spellOutSource(source: ChartSource, signal: AbortSignal): Promise<ChartSource>;

  /**
   * Returns the text of `helm template --include-crds`, hooks included, without reaching any network.
   * Throws `CHART_RENDER_FAILED` naming chart and template.
   */
  renderChart(
    chart: Pick<PackagedChart, "name" | "version" | "file">,
    input: RenderInput,
    signal: AbortSignal,
  ): Promise<string>;
}
