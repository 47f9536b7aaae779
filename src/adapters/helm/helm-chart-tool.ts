// Implements ChartTool with the helm program.
import { mkdir, readFile, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import type { OnActivity } from "../../core/activity.js";
import { ManyErrors, ViolaError } from "../../errors.js";
import {
  LEFT_OUT_HINT,
  type ChartDependency,
  type ChartSource,
  type LeftOut,
  type PackagedChart,
  type RenderInput,
} from "../../core/charts/chart.js";
import type { ChartRepositories, ChartTool, ListedChart } from "../../core/charts/chart-tool.js";
import { apiVersionsIn } from "../../core/charts/api-versions.js";
import { mayDefine, readApiVersionTests } from "../../core/charts/api-version-tests.js";
import { isChartYaml, parseChartYaml } from "../../core/charts/chart-yaml.js";
import { isDeclaration } from "../../core/finding/declared-images.js";
import { describeRenderFailure } from "../../core/charts/render-failure.js";
import { ProcessError } from "../programs/run-process.js";
import {
  chartYamlIn,
  contentDigest,
  packFiles,
  readArchive,
  readChartFolder,
  readHelmPackage,
  textsIn,
  unpackChart,
  type ArchivedFile,
} from "./chart-archive.js";
import { hasAllDependencies } from "./complete-chart.js";
import { copyChart } from "./copy-chart.js";
import { fetchArchive, listRepositoryCharts } from "./fetch-chart.js";
import type { FetchContext } from "./fetch-context.js";
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
export class HelmChartTool implements ChartTool, ChartRepositories {
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
        const { folder, leftOut } = await copyChart(source.folder, place, work, context);
        const chart = { folder, origin: source.folder };
        try {
          const vendored = await vendorDependencies(chart, dependencies, work, context);
          const packed = await packageFolder(folder, source.folder, work, context);
          const files = await readHelmPackage(packed);
          const written = await writePackage(files, basename(packed), directory, signal);
          return { ...written, leftOut: [...leftOut, ...vendored.leftOut] };
        } catch (cause) {
          throw leftOut.length > 0 && cause instanceof ViolaError ? withLeftOut(cause, leftOut) : cause;
        }
      }
      // A packaged chart is not packaged again, because helm would apply its .helmignore a second
      // time.
      const archive = await fetchArchive(source, work, context);
      const files = await readArchive(archive);
      if (dependencies.length === 0 && hasAllDependencies(files, archive)) {
        return describeChart(files, await keepArchive(archive, work, directory));
      }
      const folder = await unpackChart(files, archive, place);
      const chart = { folder, origin: folder };
      const { isChanged, leftOut } = await vendorDependencies(chart, dependencies, work, context);
      const described = isChanged
        ? await writePackage(await readChartFolder(folder), basename(archive), directory, signal)
        : await describeChart(files, await keepArchive(archive, work, directory));
      return { ...described, leftOut };
    });
  }

  /** See `ChartTool`. */
  readPackage({ file }: Pick<PackagedChart, "file">, signal: AbortSignal): Promise<Uint8Array> {
    return withTemporaryFolder(async (work) => {
      const packed = join(work, basename(file));
      await packFiles(await readArchive(file), packed, { level: 9, signal });
      return readFile(packed);
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

  /** See `ChartRepositories`. */
  listCharts(repository: string, signal: AbortSignal): Promise<readonly ListedChart[]> {
    return withTemporaryFolder((work) => listRepositoryCharts(repository, work, this.#contextOf(signal)));
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
    const argv = [this.#options.helm, "template", `--namespace=${input.namespace}`, "--include-crds"];
    if (input.kubeVersion !== undefined) argv.push(`--kube-version=${input.kubeVersion}`);
    for (const apiVersion of input.apiVersions) argv.push(`--api-versions=${apiVersion}`);
    for (const file of input.valuesFiles) argv.push(`--values=${file}`);
    for (const expression of input.set) argv.push(`--set=${expression}`);
    argv.push("--", input.release, chart.file);
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
  signal: AbortSignal,
): Promise<PackagedChart> {
  const { name, version } = parseChartYaml(chartYamlIn(files, archive), archive);
  const file = join(directory, `${name}-${version}.tgz`);
  await mkdir(directory, { recursive: true });
  await packFiles(files, `${file}.partial`, { level: 0, signal });
  await rename(`${file}.partial`, file);
  return describeChart(files, file);
}

/** Returns the archive itself, or its new place if it is in a folder that will be removed. */
async function keepArchive(archive: string, work: string, directory: string): Promise<string> {
  if (!archive.startsWith(work)) return archive;
  const kept = join(directory, basename(archive));
  await mkdir(directory, { recursive: true });
  await rename(archive, kept);
  return kept;
}

/** Describes the chart in the file, which has these files. */
async function describeChart(files: readonly ArchivedFile[], file: string): Promise<PackagedChart> {
  const archive = basename(file);
  const metadata = parseChartYaml(chartYamlIn(files, archive), archive);
  const texts = await textsIn(
    files,
    archive,
    (path) => isDescription(path) || mayBeRendered(path) || isDefinition(path),
  );
  const textsOf = (isWanted: (path: string) => boolean): readonly string[] =>
    texts.flatMap(({ path, text }) => (isWanted(path) ? [text] : []));
  const tests = readApiVersionTests(textsOf(mayBeRendered));
  const definitions = apiVersionsIn(textsOf(isDefinition).filter((text) => mayDefine(text, tests)));
  return {
    name: metadata.name,
    version: metadata.version,
    ...(metadata.appVersion !== undefined && { appVersion: metadata.appVersion }),
    ...(metadata.kubeVersion !== undefined && { kubeVersion: metadata.kubeVersion }),
    file,
    digest: contentDigest(files),
    declarations: texts.filter(({ path }) => isDescription(path)),
    testedDefinitions: definitions.filter((version) => tests === "any" || tests.includes(version)),
    apiVersionTests: tests,
    leftOut: [],
  };
}

/** True for the files that say what the chart is and which images it has. */
function isDescription(path: string): boolean {
  return isDeclaration(path) || isChartYaml(path);
}

/** Adds what was left out of the chart to the hint, because the chart may be unusable without it. */
function withLeftOut(error: ViolaError, leftOut: readonly LeftOut[]): ViolaError {
  if (error instanceof ManyErrors) {
    return new ManyErrors(
      error.message,
      error.errors.map((one) => withLeftOut(one, leftOut)),
    );
  }
  const list = leftOut.map(({ path, reason }) => `${path} (${reason})`).join(", ");
  const hint = `The chart was packaged without ${list}. ${LEFT_OUT_HINT}`;
  const { code, message, subject, cause } = error;
  return new ViolaError(code, message, {
    hint: error.hint === undefined ? hint : `${error.hint} ${hint}`,
    cause,
    ...(subject !== undefined && { subject }),
  });
}

/** True for a file whose definitions helm installs (CRDObjects in pkg/chart of Helm). */
function isDefinition(path: string): boolean {
  return /^[^/]+\/(?:charts\/[^/]+\/)*crds\/.*\.(?:ya?ml|json)$/.test(path);
}

/** True for templates, and for values, which templates may render with `tpl`. */
function mayBeRendered(path: string): boolean {
  return path.includes("/templates/") || path.endsWith("/values.yaml");
}
