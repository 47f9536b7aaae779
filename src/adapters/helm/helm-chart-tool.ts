// Implements ChartTool with the helm program.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { OnActivity } from "../../core/activity.js";
import { ViolaError } from "../../errors.js";
import type { ChartDependency, ChartSource, PackagedChart, RenderInput } from "../../core/charts/chart.js";
import type { ChartTool } from "../../core/charts/chart-tool.js";
import { parseChartYaml } from "../../core/charts/chart-yaml.js";
import { isDeclaration } from "../../core/finding/declared-images.js";
import { describeRenderFailure } from "../../core/charts/render-failure.js";
import { digestOf } from "../../core/oci/digest.js";
import { ProcessError } from "../programs/run-process.js";
import {
  chartYamlIn,
  packFiles,
  readArchive,
  readChartFolder,
  readHelmPackage,
  textsIn,
  unpackChart,
  type ArchivedFile,
} from "./chart-archive.js";
import { copyChart, fetchArchive, type FetchContext } from "./fetch-chart.js";
import { helmMessage, runHelmOffline, withTemporaryFolder, type FetchSettings } from "./helm-runner.js";
import { findRepository, repositoryName } from "./repositories.js";
import { packageFolder } from "./package-folder.js";
import { vendorDependencies } from "./vendor-dependencies.js";

export interface HelmChartToolOptions {
  /** Absolute path of helm 3 or 4. */
  readonly helm: string;
  /** The environment of this process, for helm commands that use the network. */
  readonly environment: Readonly<Record<string, string>>;
  readonly settings?: FetchSettings;
  /** Is notified of every helm command. */
  readonly onActivity?: OnActivity | undefined;
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
    const context = this.#contextOf(signal);
    return withTemporaryFolder(async (work) => {
      const place = join(work, "chart");
      await mkdir(place);
      if (source.kind === "folder") {
        const folder = await copyChart(source.folder, place);
        const chart = { folder, origin: source.folder };
        await vendorDependencies(chart, dependencies, work, context);
        const packed = await packageFolder(folder, source.folder, work, context);
        return writePackage(await readHelmPackage(packed), basename(packed), directory);
      }
      // A packaged chart is not packaged again, because helm would apply its .helmignore a second
      // time.
      const archive = await fetchArchive(source, work, context);
      const folder = await unpackChart(archive, place);
      const isChanged = await vendorDependencies({ folder, origin: folder }, dependencies, work, context);
      const files = isChanged ? await readChartFolder(folder) : await readArchive(archive);
      return writePackage(files, basename(archive), directory);
    });
  }

  /** See `ChartTool`. */
  async spellOutSource(source: ChartSource, signal: AbortSignal): Promise<ChartSource> {
    if (source.kind !== "repository" || repositoryName(source.repository) === undefined) return source;
    const context = this.#contextOf(signal);
    return withTemporaryFolder(async (home) => {
      const found = await findRepository(source.repository, home, context);
      // A URL with a password must not get into a spec. The local name finds it.
      const url = found === undefined || /:\/\/[^/]*@/.test(found.url) ? undefined : found.url;
      return { ...source, repository: url ?? source.repository };
    });
  }

  #contextOf(signal: AbortSignal): FetchContext {
    return { settings: { insecure: [] }, ...this.#options, signal };
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
        return await runHelmOffline(argv, home, this.#contextOf(signal));
      } catch (cause) {
        if (!(cause instanceof ProcessError)) throw cause;
        const { message, template } = describeRenderFailure(helmMessage(cause));
        const subject = `${chart.name}-${chart.version}${template === undefined ? "" : ` ${template}`}`;
        throw new ViolaError("CHART_RENDER_FAILED", `chart ${subject}: ${message}`, { subject, cause });
      }
    });
  }
}

/** Writes a reproducible package of the files to `directory`. `archive` names it in errors. */
async function writePackage(
  files: readonly ArchivedFile[],
  archive: string,
  directory: string,
): Promise<PackagedChart> {
  const metadata = parseChartYaml(chartYamlIn(files, archive), archive);
  const bytes = await packFiles(files);
  const file = join(directory, `${metadata.name}-${metadata.version}.tgz`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.partial`, bytes);
  await rename(`${file}.partial`, file);
  const texts = await textsIn(files, archive, (path) => isDeclaration(path) || isTemplate(path));
  return {
    name: metadata.name,
    version: metadata.version,
    ...(metadata.appVersion !== undefined && { appVersion: metadata.appVersion }),
    ...(metadata.kubeVersion !== undefined && { kubeVersion: metadata.kubeVersion }),
    file,
    digest: digestOf(bytes),
    size: bytes.length,
    declarations: texts.filter(({ path }) => isDeclaration(path)),
    readsApiVersions: texts.some(({ path, text }) => isTemplate(path) && text.includes("APIVersions")),
  };
}

function isTemplate(path: string): boolean {
  return path.includes("/templates/");
}
