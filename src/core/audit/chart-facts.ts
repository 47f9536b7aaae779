// Reads the facts of an audit from the Chart.yaml files of a packaged chart.
import type { ChartDependency, ChartText } from "../charts/chart.js";
import { parseChartYaml, parseDependencies } from "../charts/chart-yaml.js";
import { ViolaError } from "../../errors.js";
import type { ChartFacts } from "./audit-facts.js";

const CHART_YAML = /(?:^|\/)Chart\.yaml$/;

/**
 * Returns the facts of the chart and its subcharts. `chart` is the packaged one, as `NAME-VERSION`.
 * Files that are not valid are skipped: an audit shows what it can.
 */
export function readChartFacts(chart: string, texts: readonly ChartText[]): readonly ChartFacts[] {
  return texts
    .filter(({ path }) => CHART_YAML.test(path))
    .flatMap(({ path, text }) => {
      const folder = path.replace(/\/?Chart\.yaml$/, "");
      const requirements = texts.find((other) => other.path === `${folder}/requirements.yaml`);
      try {
        const { name, version, appVersion, description, dependenciesFile } = parseChartYaml(text, path);
        const declared = dependenciesFile === "Chart.yaml" ? text : (requirements?.text ?? "");
        return [
          {
            package: chart,
            path: folder,
            name,
            version,
            appVersion: appVersion ?? null,
            description: description ?? null,
            dependencies: dependenciesOf(declared, path).map((dependency) => ({
              name: dependency.name,
              version: dependency.version,
              repository: dependency.repository,
              ...(dependency.alias !== undefined && { alias: dependency.alias }),
            })),
          },
        ];
      } catch (cause) {
        if (!(cause instanceof ViolaError)) throw cause;
        return [];
      }
    });
}

/** Most charts have none, and parsing YAML takes most of the time of a short audit. */
function dependenciesOf(text: string, path: string): readonly ChartDependency[] {
  return /^["']?dependencies["']?\s*:|\{/m.test(text) ? parseDependencies(text, path) : [];
}

/** Finds charts by the paths of templates. */
export interface ChartIndex {
  /**
   * Returns the innermost chart of a template of the packaged chart, also when it has an alias;
   * undefined when its Chart.yaml is not known.
   */
  find(chart: string, template: string): ChartFacts | undefined;
}

/** Indexes the facts of all packaged charts. */
export function indexCharts(charts: readonly ChartFacts[]): ChartIndex {
  const byPath = new Map(charts.map((facts) => [`${facts.package} ${facts.path}`, facts]));
  const findPath = (chart: string, path: string): ChartFacts | undefined => {
    const known = byPath.get(`${chart} ${path}`);
    if (known !== undefined) return known;
    const [, parentPath, alias] = /^(.+)\/charts\/([^/]+)$/.exec(path) ?? [];
    if (parentPath === undefined) return undefined;
    const parent = findPath(chart, parentPath);
    const name = parent?.dependencies.find((dependency) => dependency.alias === alias)?.name;
    return parent && byPath.get(`${chart} ${parent.path}/charts/${name ?? ""}`);
  };
  return {
    find: (chart, template) =>
      findPath(chart, template.replace(/\/(?:templates|crds)\/(?!.*\/charts\/).*$/, "")),
  };
}
