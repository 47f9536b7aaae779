// Adds the missing dependencies of a chart to its `charts/` folder. Charts that are already in the
// folder are kept, because helm packages and installs them unchanged.
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { settleAll, ViolaError } from "../../errors.js";
import type { ChartDependency, LeftOut } from "../../core/charts/chart.js";
import {
  addDependencies,
  parseChartYaml,
  parseDependencies,
  type ChartMetadata,
} from "../../core/charts/chart-yaml.js";
import { readYaml } from "../../core/yaml-file.js";
import { acceptsVersions, fitsLock } from "./ask-helm.js";
import { chartYamlIn, packFiles, readArchive, readHelmPackage } from "./chart-archive.js";
import { copyChart } from "./copy-chart.js";
import { NO_DOWNLOADS, remoteSourceOf, type EarlyDownloads } from "./early-downloads.js";
import { downloadChart } from "./fetch-chart.js";
import type { FetchContext } from "./fetch-context.js";
import { packageFolder } from "./package-folder.js";

/** A copy of a chart folder, which may be changed, and the original folder. */
export interface ChartFolder {
  readonly folder: string;
  /** The folder that relative `file://` dependencies are resolved from. */
  readonly origin: string;
  /** Downloads of the added dependencies. */
  readonly downloads: EarlyDownloads;
}

/** A chart folder and the folders of the charts that depend on it, outermost first. */
interface NestedFolder extends ChartFolder {
  readonly around: readonly string[];
}

/** The result of vendoring dependencies. */
export interface Vendored {
  /** True if the folder was changed. */
  readonly isChanged: boolean;
  /** What was left out of the folders of `file://` dependencies, with paths in the chart. */
  readonly leftOut: readonly LeftOut[];
}

const UNCHANGED: Vendored = { isChanged: false, leftOut: [] };

/**
 * Declares the added dependencies in the chart, then vendors the missing dependencies.
 *
 * As in `helm package`, a declared dependency is present when `charts/` contains a chart with its
 * name. For an added dependency, helm must also accept the version. A missing dependency is fetched
 * in the version of the lock file when the lock file matches (`helm dependency build`), and
 * otherwise in the newest allowed version (`helm dependency update`). `file://` folders are
 * packaged with their own dependencies.
 *
 * Throws `CHART_UNAVAILABLE`, or `ManyErrors` for several.
 */
export function vendorDependencies(
  chart: ChartFolder,
  added: readonly ChartDependency[],
  work: string,
  context: FetchContext,
): Promise<Vendored> {
  return vendor({ ...chart, around: [chart.origin] }, added, work, context);
}

async function vendor(
  chart: NestedFolder,
  added: readonly ChartDependency[],
  work: string,
  context: FetchContext,
): Promise<Vendored> {
  const metadata = parseChartYaml(await readFile(join(chart.folder, "Chart.yaml"), "utf8"), chart.origin);
  const declaration = join(chart.folder, metadata.dependenciesFile);
  const text = await readIfThere(declaration);
  const withAdded = addDependencies(text, added.map(withoutCredentials), chart.origin);
  const dependencies = parseDependencies(withAdded, chart.origin);
  if (dependencies.length === 0) return UNCHANGED;

  const charts = join(chart.folder, "charts");
  await mkdir(charts, { recursive: true });
  const vendored = await listVendored(charts);
  const refused = await refusedOf(added, vendored, work, context);
  const isRefused = (dependency: ChartDependency): boolean => refused.some((one) => isSame(one, dependency));
  const missing = dependencies.filter(
    (dependency) => isRefused(dependency) || !vendored.some(({ name }) => name === dependency.name),
  );
  if (missing.length === 0 && added.length === 0) return UNCHANGED;

  // The lock file says nothing about added dependencies.
  const isLocked = missing.some((dependency) => !added.some((one) => isSame(one, dependency)));
  const locked = !isLocked
    ? undefined
    : await readLock(
        { ...chart, dependencies: parseDependencies(text, chart.origin) },
        metadata,
        work,
        context,
      );
  const wanted = missing.map((dependency) => {
    const given = added.find((one) => isSame(one, dependency));
    if (given !== undefined) return given;
    const entry = locked?.find((one) => isSame(one.for, dependency));
    return entry?.locked ?? dependency;
  });
  if (locked === undefined || added.length > 0) {
    // The lock file no longer matches the packaged dependencies.
    for (const name of LOCKS) await rm(join(chart.folder, name), { force: true });
  }
  if (added.length > 0) await writeFile(declaration, withAdded);
  for (const { name, path } of vendored) {
    const ofThatName = dependencies.filter((dependency) => dependency.name === name);
    if (ofThatName.length > 0 && ofThatName.every(isRefused)) await rm(path, { recursive: true });
  }
  const leftOut = await settleAll(
    `dependencies of chart ${metadata.name} could not be fetched`,
    distinct(wanted).map((dependency) => addToCharts(dependency, chart, work, context)),
  );
  return { isChanged: true, leftOut: leftOut.flat() };
}

/** The declaration travels in the bundle, and nothing is fetched with it again. */
function withoutCredentials(dependency: ChartDependency): ChartDependency {
  const { repository } = dependency;
  if (!URL.canParse(repository)) return dependency;
  const url = new URL(repository);
  if (url.username === "" && url.password === "") return dependency;
  url.username = "";
  url.password = "";
  return { ...dependency, repository: url.href };
}

const LOCKS = ["Chart.lock", "requirements.lock"] as const;

function isSame(one: ChartDependency, other: ChartDependency): boolean {
  return one.name === other.name && one.alias === other.alias && one.version === other.version;
}

/**
 * Returns the added dependencies whose name is in `charts/`, but not in a version that satisfies
 * the constraint.
 */
async function refusedOf(
  added: readonly ChartDependency[],
  vendored: readonly VendoredChart[],
  work: string,
  context: FetchContext,
): Promise<readonly ChartDependency[]> {
  const pairs = added.flatMap((dependency) =>
    vendored.filter(({ name }) => name === dependency.name).map(({ version }) => ({ dependency, version })),
  );
  const accepted = await acceptsVersions(
    pairs.map(({ dependency, version }) => ({ version, constraint: dependency.version })),
    work,
    context,
  );
  const isMet = (dependency: ChartDependency): boolean =>
    pairs.some((pair, index) => pair.dependency === dependency && accepted[index] === true);
  return added.filter(
    (dependency) => pairs.some((pair) => pair.dependency === dependency) && !isMet(dependency),
  );
}

/** A declared dependency, and the same dependency in the version of the lock file. */
interface LockedDependency {
  readonly for: ChartDependency;
  readonly locked: ChartDependency;
}

/**
 * Returns the locked dependencies, or undefined when there is no lock file or it does not match the
 * declaration.
 */
async function readLock(
  chart: NestedFolder & { readonly dependencies: readonly ChartDependency[] },
  { dependenciesFile }: ChartMetadata,
  work: string,
  context: FetchContext,
): Promise<readonly LockedDependency[] | undefined> {
  const name = dependenciesFile === "Chart.yaml" ? "Chart.lock" : "requirements.lock";
  const { dependencies: declared } = chart;
  const locked = parseDependencies(await readIfThere(join(chart.folder, name)), chart.origin);
  if (locked.length === 0 || locked.length !== declared.length) return undefined;
  if (!(await fitsLock(chart, work, context))) return undefined;
  // Helm writes the lock in the order of the declaration.
  return declared.map((dependency, index) => ({
    for: dependency,
    locked: { ...dependency, version: locked[index]?.version ?? dependency.version },
  }));
}

async function addToCharts(
  dependency: ChartDependency,
  chart: NestedFolder,
  parent: string,
  context: FetchContext,
): Promise<readonly LeftOut[]> {
  const { name, version, repository } = dependency;
  const subject = `${name} ${version} in ${repository || "charts/"}`;
  const source = remoteSourceOf(dependency);
  if (repository === "") {
    const message = `chart ${subject}: the chart does not exist, and the dependency has no repository`;
    throw new ViolaError("CHART_UNAVAILABLE", message, { subject });
  }
  const work = await mkdtemp(join(parent, "dependency-"));
  const { archive, leftOut } =
    source === undefined
      ? await packageLocal({ ...dependency, subject }, chart, work, context)
      : {
          archive: await (chart.downloads.find(dependency) ?? downloadChart(source, work, context)),
          leftOut: [],
        };
  await rename(archive, join(chart.folder, "charts", basename(archive)));
  return leftOut.map(({ path, reason }) => ({ path: `charts/${name}/${path}`, reason }));
}

/** Packages the chart of a `file://` folder with its dependencies as a reproducible archive. */
async function packageLocal(
  { name, version, repository, subject }: ChartDependency & { readonly subject: string },
  chart: NestedFolder,
  work: string,
  context: FetchContext,
): Promise<{ readonly archive: string; readonly leftOut: readonly LeftOut[] }> {
  const origin = resolve(chart.origin, repository.slice("file://".length));
  if (chart.around.includes(origin)) {
    throw new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: the chart depends on itself`, { subject });
  }
  const chartYaml = await readIfThere(join(origin, "Chart.yaml"));
  if (chartYaml === "") throw await missingFolder(repository, chart, { subject, origin });
  const found = parseChartYaml(chartYaml, origin);
  const [isMet] = await acceptsVersions([{ version: found.version, constraint: version }], work, context);
  if (found.name !== name || isMet !== true) {
    const message = `chart ${subject}: ${origin} contains ${found.name} ${found.version}`;
    throw new ViolaError("CHART_UNAVAILABLE", message, { subject });
  }
  const { folder, leftOut } = await copyChart(origin, work, work, context);
  const around = [...chart.around, origin];
  const inner = { folder, origin, around, downloads: NO_DOWNLOADS };
  const vendored = await vendor(inner, [], work, context);
  const archive = await packageFolder(folder, subject, work, context);
  await packFiles(await readHelmPackage(archive), archive, { level: 9, signal: context.signal });
  return { archive, leftOut: [...leftOut, ...vendored.leftOut] };
}

/**
 * Returns the error for a `file://` folder without a chart, with the line of the file that declares
 * it. Dependencies of a spec are not declared in a file of the chart.
 */
async function missingFolder(
  repository: string,
  chart: NestedFolder,
  { subject, origin }: { readonly subject: string; readonly origin: string },
): Promise<ViolaError> {
  const problem = `no Chart.yaml in ${origin}`;
  const hint = "Correct the path, which is relative to the folder of the chart, or add the folder.";
  for (const name of ["Chart.yaml", "requirements.yaml"]) {
    const file = join(chart.origin, name);
    const text = await readIfThere(file);
    const index = parseDependencies(text, file).findIndex((one) => one.repository === repository);
    if (index < 0) continue;
    return readYaml(text, file, "CHART_UNAVAILABLE").errorAt(
      ["dependencies", index, "repository"],
      problem,
      hint,
    );
  }
  return new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: ${problem}`, { subject, hint });
}

interface VendoredChart {
  readonly path: string;
  readonly name: string;
  readonly version: string;
}

/** Lists the charts in a `charts/` folder, both folders and archives, as Helm loads them. */
async function listVendored(charts: string): Promise<readonly VendoredChart[]> {
  const found: VendoredChart[] = [];
  for (const name of (await readdir(charts)).toSorted()) {
    // Helm ignores these entries (LoadFiles in pkg/chart/loader).
    if (name.startsWith("_") || name.startsWith(".")) continue;
    const path = join(charts, name);
    const isFolder = (await stat(path)).isDirectory();
    if (!isFolder && !name.endsWith(".tgz")) continue;
    const chartYaml = isFolder
      ? await readIfThere(join(path, "Chart.yaml"))
      : chartYamlIn(await readArchive(path), path);
    if (chartYaml !== "") found.push({ path, ...nameAndVersion(chartYaml, path) });
  }
  return found;
}

function nameAndVersion(chartYaml: string, path: string): { name: string; version: string } {
  const { name, version } = parseChartYaml(chartYaml, path);
  return { name, version };
}

/** Removes duplicates, because two aliases may depend on the same chart. */
function distinct(dependencies: readonly ChartDependency[]): readonly ChartDependency[] {
  const byKey = new Map(
    dependencies.map((dependency) => [
      `${dependency.repository} ${dependency.name} ${dependency.version}`,
      dependency,
    ]),
  );
  return [...byKey.values()];
}

async function readIfThere(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  });
}
