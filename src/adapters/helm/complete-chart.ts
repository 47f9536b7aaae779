// Recognizes packaged charts that need no dependency, so that they need not be unpacked.
import { parseChartYaml, parseDependencies } from "../../core/charts/chart-yaml.js";
import { chartFolderIn, type ArchivedFile } from "./chart-archive.js";

/**
 * True when a folder in `charts/` has the name of each declared dependency. False does not mean that
 * one is missing: archives in `charts/` are not read. Throws `CHART_UNAVAILABLE` for an archive
 * without a chart.
 */
export function hasAllDependencies(files: readonly ArchivedFile[], archive: string): boolean {
  const top = chartFolderIn(files, archive);
  const textOf = (path: string): string =>
    files.find((file) => file.path === `${top}/${path}`)?.bytes.toString("utf8") ?? "";
  const { dependenciesFile } = parseChartYaml(textOf("Chart.yaml"), archive);
  const dependencies = parseDependencies(textOf(dependenciesFile), archive);
  if (dependencies.length === 0) return true;
  const charts = files.filter(({ path }) => /^[^/]+\/charts\/[^/._][^/]*\/Chart\.yaml$/.test(path));
  const names = new Set(charts.map(({ path, bytes }) => parseChartYaml(bytes.toString("utf8"), path).name));
  return dependencies.every(({ name }) => names.has(name));
}
