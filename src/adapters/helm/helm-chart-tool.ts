// Implements ChartTool with the helm program.
import { mkdir, mkdtemp, readFile, rename } from "node:fs/promises";
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
import type {
  ChartRepositories,
  ChartTool,
  ListedChart,
  PackageTarget,
} from "../../core/charts/chart-tool.js";
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
  readHelmPackage,
  textsIn,
  type ArchivedFile,
} from "./chart-archive.js";
import { hasAllDependencies } from "./complete-chart.js";
import { copyChart } from "./copy-chart.js";
import { NO_DOWNLOADS, startDownloads } from "./early-downloads.js";
import { fetchArchive, listRepositoryCharts } from "./fetch-chart.js";
import type { FetchContext } from "./fetch-context.js";
import { helmMessage, runHelmOffline, withTemporaryFolder, type FetchSettings } from "./helm-runner.js";
import { findRepository, listRepositories, repositoryName, type HelmRepository } from "./repositories.js";
import { packageFolder } from "./package-folder.js";
import { vendorArchive } from "./vendor-archive.js";
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
  #repositories: Promise<readonly HelmRepository[]> | undefined;

  constructor(options: HelmChartToolOptions) {
    this.#options = options;
  }

  /** See `ChartTool`. */
  packageChart(
    source: ChartSource,
    dependencies: readonly ChartDependency[],
    target: PackageTarget,
    signal: AbortSignal,
  ): Promise<PackagedChart> {
    const context = this.#contextOf(signal);
    return withTemporaryFolder((work) =>
      source.kind === "folder"
        ? packageFolderWith(source.folder, dependencies, { work, target }, context)
        : packageArchiveWith(source, dependencies, { work, target }, context),
    );
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
    const found = findRepository(source.repository, await context.repositories());
    // A URL with a password must not get into a spec. The local name finds it.
    const url = found === undefined || /:\/\/[^/]*@/.test(found.url) ? undefined : found.url;
    return { ...source, repository: url ?? source.repository };
  }

  /** See `ChartRepositories`. */
  listCharts(repository: string, signal: AbortSignal): Promise<readonly ListedChart[]> {
    return withTemporaryFolder((work) => listRepositoryCharts(repository, work, this.#contextOf(signal)));
  }

  #contextOf(signal: AbortSignal): FetchContext {
    const context = { settings: { insecure: [] }, ...this.#options, signal };
    const repositories = (): Promise<readonly HelmRepository[]> =>
      (this.#repositories ??= withTemporaryFolder((home) => listRepositories(home, context)));
    return { ...context, repositories };
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

/** Where a chart is packaged. */
interface PackagePlaces {
  /** A folder that is removed afterwards. */
  readonly work: string;
  readonly target: PackageTarget;
}

async function packageFolderWith(
  origin: string,
  dependencies: readonly ChartDependency[],
  { work, target }: PackagePlaces,
  context: FetchContext,
): Promise<PackagedChart> {
  const { folder, leftOut } = await copyChart(origin, await mkdtemp(join(work, "chart-")), work, context);
  const chart = { folder, origin, downloads: NO_DOWNLOADS };
  try {
    const vendored = await vendorDependencies(chart, dependencies, work, context);
    const packed = await packageFolder(folder, origin, work, context);
    const files = await readHelmPackage(packed);
    const written = await writePackage(files, basename(packed), target, context.signal);
    return { ...written, leftOut: [...leftOut, ...vendored.leftOut] };
  } catch (cause) {
    throw leftOut.length > 0 && cause instanceof ViolaError ? withLeftOut(cause, leftOut) : cause;
  }
}

/**
 * A packaged chart is not packaged again with helm, which would apply its .helmignore a second time.
 */
async function packageArchiveWith(
  source: Exclude<ChartSource, { kind: "folder" }>,
  dependencies: readonly ChartDependency[],
  { work, target }: PackagePlaces,
  context: FetchContext,
): Promise<PackagedChart> {
  // A local archive is read before a download would begin.
  const isRemote = source.kind !== "archive";
  const downloads = isRemote ? startDownloads(dependencies, work, context) : NO_DOWNLOADS;
  try {
    const fetched = await fetchArchive(source, work, context);
    // The package may get the same name, and an early render may still read the fetched one.
    const archive = isRemote ? await moveInto(join(target.directory, "fetched"), fetched) : fetched;
    const mayBeComplete = dependencies.length === 0;
    if (mayBeComplete) target.onPackage?.({ file: archive, testedDefinitions: [] });
    const files = await readArchive(archive);
    if (mayBeComplete && hasAllDependencies(files, archive)) {
      return await describeChart(files, present(archive), target);
    }
    const place = await mkdtemp(join(work, "chart-"));
    const vendored = await vendorArchive(
      { files, archive, downloads },
      dependencies,
      { place, work },
      context,
    );
    const described =
      vendored.files === undefined
        ? await describeChart(files, present(archive), target)
        : await writePackage(vendored.files, basename(archive), target, context.signal);
    return { ...described, leftOut: vendored.leftOut };
  } finally {
    await downloads.stop();
  }
}

/** Writes a reproducible package of the files. `archive` names it in errors. */
async function writePackage(
  files: readonly ArchivedFile[],
  archive: string,
  target: PackageTarget,
  signal: AbortSignal,
): Promise<PackagedChart> {
  const { directory } = target;
  const { name, version } = parseChartYaml(chartYamlIn(files, archive), archive);
  const file = join(directory, `${name}-${version}.tgz`);
  const write = async (): Promise<void> => {
    await mkdir(directory, { recursive: true });
    await packFiles(files, `${file}.partial`, { level: 0, signal });
    await rename(`${file}.partial`, file);
  };
  const written = write();
  written.catch(() => undefined);
  return describeChart(files, { file, written }, target);
}

function present(file: string): WrittenFile {
  return { file, written: Promise.resolve() };
}

async function moveInto(directory: string, archive: string): Promise<string> {
  const kept = join(directory, basename(archive));
  await mkdir(directory, { recursive: true });
  await rename(archive, kept);
  return kept;
}

/** A packaged chart, which may be still being written. */
interface WrittenFile {
  readonly file: string;
  readonly written: Promise<void>;
}

/** Describes the chart in the file, which has these files. */
async function describeChart(
  files: readonly ArchivedFile[],
  { file, written }: WrittenFile,
  { onPackage }: PackageTarget,
): Promise<PackagedChart> {
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
  const testedDefinitions = definitions.filter((version) => tests === "any" || tests.includes(version));
  await written;
  onPackage?.({ file, testedDefinitions });
  return {
    name: metadata.name,
    version: metadata.version,
    ...(metadata.appVersion !== undefined && { appVersion: metadata.appVersion }),
    ...(metadata.kubeVersion !== undefined && { kubeVersion: metadata.kubeVersion }),
    file,
    digest: contentDigest(files),
    declarations: texts.filter(({ path }) => isDescription(path)),
    testedDefinitions,
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
