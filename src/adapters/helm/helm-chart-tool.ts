// ChartTool over the real helm program.
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ViolaError } from "../../errors.js";
import type { ChartDependency, ChartSource, PackagedChart, RenderInput } from "../../core/charts/chart.js";
import type { ChartTool } from "../../core/charts/chart-tool.js";
import { parseChartYaml } from "../../core/charts/chart-yaml.js";
import { isDeclaration } from "../../core/finding/declared-images.js";
import { describeRenderFailure } from "../../core/charts/render-failure.js";
import { digestOf } from "../../core/oci/digest.js";
import { ProcessError } from "../programs/run-process.js";
import { readChartYaml, readTexts, repackChart } from "./chart-archive.js";
import { fetchChart, unavailable, type FetchContext } from "./fetch-chart.js";
import { helmMessage, runHelmOffline, withTemporaryFolder, type FetchSettings } from "./helm-runner.js";
import { findRepository, repositoryName } from "./repositories.js";
import { vendorDependencies } from "./vendor-dependencies.js";

export interface HelmChartToolOptions {
  /** Absolute path of helm 3 or 4. */
  readonly helm: string;
  /** Environment for what reaches the network; that of this process. */
  readonly environment: Readonly<Record<string, string>>;
  readonly settings?: FetchSettings;
}

/** Packages and renders charts with helm 3 or 4. */
export class HelmChartTool implements ChartTool {
  readonly #options: HelmChartToolOptions;

  constructor(options: HelmChartToolOptions) {
    this.#options = options;
  }

  /** See `ChartTool`. */
  packageChart(
    source: ChartSource,
    dependencies: readonly ChartDependency[],
    directory: string,
    signal: AbortSignal,
  ): Promise<PackagedChart> {
    const { helm, environment, settings = { plainHttp: [] } } = this.#options;
    const context: FetchContext = { helm, environment, settings, signal };
    return withTemporaryFolder(async (work) => {
      const folder = await fetchChart(source, work, context);
      const origin = source.kind === "folder" ? source.folder : folder;
      await vendorDependencies(folder, origin, dependencies, work, context);

      const packed = join(work, "packed");
      await mkdir(packed);
      try {
        await runHelmOffline([helm, "package", folder, "--destination", packed], work, signal);
      } catch (cause) {
        throw unavailable(describeSource(source), cause);
      }
      const { name, version } = parseChartYaml(await readFile(join(folder, "Chart.yaml"), "utf8"), origin);
      return writePackage(join(packed, `${name}-${version}.tgz`), directory);
    });
  }

  /** See `ChartTool`. */
  async spellOutSource(source: ChartSource, signal: AbortSignal): Promise<ChartSource> {
    if (source.kind !== "repository" || repositoryName(source.repository) === undefined) return source;
    const { helm, environment, settings = { plainHttp: [] } } = this.#options;
    const context: FetchContext = { helm, environment, settings, signal };
    return withTemporaryFolder(async (home) => {
      const found = await findRepository(source.repository, home, context);
      return { ...source, repository: found?.url ?? source.repository };
    });
  }

  /** See `ChartTool`. */
  renderChart(
    chart: Pick<PackagedChart, "name" | "version" | "file">,
    input: RenderInput,
    signal: AbortSignal,
  ): Promise<string> {
    const argv = [this.#options.helm, "template", input.release, chart.file];
    argv.push("--namespace", input.namespace, "--include-crds");
    if (input.kubeVersion !== undefined) argv.push("--kube-version", input.kubeVersion);
    for (const apiVersion of input.apiVersions) argv.push("--api-versions", apiVersion);
    for (const file of input.valuesFiles) argv.push("--values", file);
    for (const expression of input.set) argv.push("--set", expression);
    return withTemporaryFolder(async (home) => {
      try {
        return await runHelmOffline(argv, home, signal);
      } catch (cause) {
        if (!(cause instanceof ProcessError)) throw cause;
        const { message, template } = describeRenderFailure(helmMessage(cause));
        const subject = `${chart.name}-${chart.version}${template === undefined ? "" : ` ${template}`}`;
        throw new ViolaError("CHART_RENDER_FAILED", `chart ${subject}: ${message}`, { subject, cause });
      }
    });
  }
}

/** Writes the package, made reproducible, into `directory` under its own name. */
async function writePackage(packed: string, directory: string): Promise<PackagedChart> {
  const metadata = parseChartYaml(await readChartYaml(packed), basename(packed));
  const bytes = await repackChart(packed);
  const file = join(directory, basename(packed));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.partial`, bytes);
  await rename(`${file}.partial`, file);
  return {
    name: metadata.name,
    version: metadata.version,
    ...(metadata.appVersion !== undefined && { appVersion: metadata.appVersion }),
    ...(metadata.kubeVersion !== undefined && { kubeVersion: metadata.kubeVersion }),
    file,
    digest: digestOf(bytes),
    size: (await stat(file)).size,
    declarations: await readTexts(packed, isDeclaration),
    readsApiVersions: (await readTexts(packed, isTemplate)).some(({ text }) => text.includes("APIVersions")),
  };
}

function isTemplate(path: string): boolean {
  return path.includes("/templates/");
}

function describeSource(source: ChartSource): string {
  switch (source.kind) {
    case "repository":
      return `${source.name} in ${source.repository}`;
    case "oci":
      return source.reference;
    case "archive":
      return source.file;
    case "folder":
      return source.folder;
  }
}
