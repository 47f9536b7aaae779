// Brings every dependency of a chart into its `charts/` folder, keeping what is there already.
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { settleAll, ViolaError } from "../../errors.js";
import type { ChartDependency } from "../../core/charts/chart.js";
import { addDependencies, meets, parseChartYaml, parseDependencies } from "../../core/charts/chart-yaml.js";
import { readChartYaml } from "./chart-archive.js";
import { copyChart, fetchFlags, unavailable, type FetchContext } from "./fetch-chart.js";
import { runHelmOnline } from "./helm-runner.js";

/** A chart folder that may be changed, and where it came from. */
interface ChartFolder {
  readonly folder: string;
  /** The folder that relative `file://` dependencies are meant from. */
  readonly origin: string;
  /** Chart folders that are being vendored around this one, outermost first. */
  readonly around: readonly string[];
}

/**
 * Adds the dependencies to the chart's own declaration, then vendors: what `charts/` holds in a version that fits is kept
 * without asking anyone, `file://` folders are copied with their own dependencies, the rest is fetched by `helm dependency update`.
 * `origin` is the folder that the chart was copied from. Throws `CHART_UNAVAILABLE`, for several as one `ManyErrors`.
 */
export async function vendorDependencies(
  folder: string,
  origin: string,
  added: readonly ChartDependency[],
  work: string,
  context: FetchContext,
): Promise<void> {
  await vendor({ folder, origin, around: [origin] }, added, work, context);
}

async function vendor(
  chart: ChartFolder,
  added: readonly ChartDependency[],
  work: string,
  context: FetchContext,
): Promise<void> {
  const metadata = parseChartYaml(await readFile(join(chart.folder, "Chart.yaml"), "utf8"), chart.origin);
  const declaration = join(chart.folder, metadata.dependenciesFile);
  const declared = addDependencies(await readIfThere(declaration), added);
  const dependencies = parseDependencies(declared);
  if (dependencies.length === 0) return;
  if (added.length > 0) await writeFile(declaration, declared);

  const charts = join(chart.folder, "charts");
  await mkdir(charts, { recursive: true });
  const vendored = await listVendored(charts);
  const missing = dependencies.filter((dependency) => !vendored.some((inside) => meets(inside, dependency)));
  if (missing.length === 0 && added.length === 0) return;

  // A lock that speaks of other dependencies makes helm refuse the chart.
  await rm(join(chart.folder, "Chart.lock"), { force: true });
  await rm(join(chart.folder, "requirements.lock"), { force: true });
  for (const inside of vendored) {
    const outdated =
      missing.some(({ name }) => name === inside.name) &&
      !dependencies.some((wanted) => meets(inside, wanted));
    if (outdated) await rm(inside.path, { recursive: true });
  }
  await settleAll(
    `dependencies of chart ${metadata.name} could not be had`,
    distinct(missing).map((dependency, index) =>
      addToCharts(dependency, charts, join(work, `dependency-${index}`), chart, context),
    ),
  );
}

async function addToCharts(
  dependency: ChartDependency,
  charts: string,
  work: string,
  chart: ChartFolder,
  context: FetchContext,
): Promise<void> {
  const subject = `${dependency.name} ${dependency.version} in ${dependency.repository || "charts/"}`;
  await mkdir(join(work, "scratch"), { recursive: true });
  if (dependency.repository === "") {
    throw new ViolaError(
      "CHART_UNAVAILABLE",
      `chart ${subject}: it is not there, and no repository is named`,
      {
        subject,
      },
    );
  }
  if (dependency.repository.startsWith("file://")) {
    const origin = resolve(chart.origin, dependency.repository.slice("file://".length));
    await copyDependency(dependency, subject, origin, charts, work, chart, context);
    return;
  }
  const { name, version, repository } = dependency;
  const scratch = {
    apiVersion: "v2",
    name: "scratch",
    version: "0.0.0",
    dependencies: [{ name, version, repository }],
  };
  await writeFile(join(work, "scratch", "Chart.yaml"), stringify(scratch));
  const argv = [context.helm, "dependency", "update", join(work, "scratch")];
  try {
    await runHelmOnline(
      [...argv, ...fetchFlags(repository, context.settings)],
      work,
      context.environment,
      context.signal,
    );
  } catch (cause) {
    throw unavailable(subject, cause);
  }
  for (const file of await readdir(join(work, "scratch", "charts"))) {
    await rename(join(work, "scratch", "charts", file), join(charts, file));
  }
}

async function copyDependency(
  dependency: ChartDependency,
  subject: string,
  origin: string,
  charts: string,
  work: string,
  chart: ChartFolder,
  context: FetchContext,
): Promise<void> {
  if (chart.around.includes(origin)) {
    throw new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: it depends on itself`, { subject });
  }
  const chartYaml = await readIfThere(join(origin, "Chart.yaml"));
  if (chartYaml === "") {
    throw new ViolaError("CHART_UNAVAILABLE", `chart ${subject}: no Chart.yaml in ${origin}`, { subject });
  }
  const found = parseChartYaml(chartYaml, origin);
  if (!meets(found, dependency)) {
    const message = `chart ${subject}: ${origin} holds ${found.name} ${found.version}`;
    throw new ViolaError("CHART_UNAVAILABLE", message, { subject });
  }
  const folder = await copyChart(origin, charts);
  await vendor({ folder, origin, around: [...chart.around, origin] }, [], work, context);
}

interface VendoredChart {
  readonly path: string;
  readonly name: string;
  readonly version: string;
}

/** Lists the charts of a `charts/` folder, unpacked ones and archives, as Helm loads them. */
async function listVendored(charts: string): Promise<readonly VendoredChart[]> {
  const found: VendoredChart[] = [];
  for (const name of (await readdir(charts)).toSorted()) {
    // Helm leaves these out (LoadFiles in pkg/chart/loader).
    if (name.startsWith("_") || name.startsWith(".")) continue;
    const path = join(charts, name);
    const isFolder = (await stat(path)).isDirectory();
    if (!isFolder && !name.endsWith(".tgz")) continue;
    const chartYaml = isFolder ? await readIfThere(join(path, "Chart.yaml")) : await readChartYaml(path);
    if (chartYaml !== "") found.push({ path, ...nameAndVersion(chartYaml, path) });
  }
  return found;
}

function nameAndVersion(chartYaml: string, path: string): { name: string; version: string } {
  const { name, version } = parseChartYaml(chartYaml, path);
  return { name, version };
}

/** The same chart under two aliases is fetched once. */
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
