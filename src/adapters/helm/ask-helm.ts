// Uses helm to evaluate version constraints, lock files and .helmignore, so that the rules of helm
// are not implemented a second time.
import { cp, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { stringify } from "yaml";
import type { ChartDependency } from "../../core/charts/chart.js";
import { ProcessError } from "../programs/run-process.js";
import { readArchive } from "./chart-archive.js";
import type { FetchContext } from "./fetch-context.js";
import { NO_NETWORK, runHelmOffline, runHelmOnline } from "./helm-runner.js";
import { packageFolder } from "./package-folder.js";

/** A chart version and the version constraint of a dependency. */
export interface VersionPair {
  readonly version: string;
  readonly constraint: string;
}

/**
 * Returns for each pair whether the version satisfies the constraint according to helm. Creates a
 * chart in `work` with one dependency for each pair, and reads their status from `helm dependency
 * list`.
 */
export async function acceptsVersions(
  pairs: readonly VersionPair[],
  work: string,
  context: FetchContext,
): Promise<readonly boolean[]> {
  if (pairs.every(({ version, constraint }) => version === constraint)) return pairs.map(() => true);
  const folder = await mkdtemp(join(work, "versions-"));
  const chart = { apiVersion: "v2", name: "versions", version: "0.0.0" };
  const dependencies = pairs.map(({ constraint }, index) => ({ name: `d${index}`, version: constraint }));
  await writeFile(join(folder, "Chart.yaml"), stringify({ ...chart, dependencies }));
  for (const [index, { version }] of pairs.entries()) {
    const inside = join(folder, "charts", `d${index}`);
    await mkdir(inside, { recursive: true });
    await writeFile(join(inside, "Chart.yaml"), stringify({ ...chart, name: `d${index}`, version }));
  }
  const table = await runHelmOffline([context.helm, "dependency", "list", "--", folder], work, context);
  return pairs.map((_, index) => new RegExp(`^d${index}\\s.*\\sunpacked\\s*$`, "m").test(table));
}

/** A chart folder with a lock file. */
export interface LockedFolder {
  readonly folder: string;
  /** The folder that relative `file://` dependencies are resolved from. */
  readonly origin: string;
  readonly dependencies: readonly ChartDependency[];
}

/**
 * Returns whether the lock file of the chart matches its dependencies. `helm dependency build`
 * compares them before it downloads anything. It runs on a copy of the two files and without a
 * network, so that it downloads nothing.
 */
export async function fitsLock(
  { folder, origin, dependencies }: LockedFolder,
  work: string,
  context: FetchContext,
): Promise<boolean> {
  const { helm, environment } = context;
  const root = await mkdtemp(join(work, "lock-"));
  const copy = join(root, origin);
  await mkdir(copy, { recursive: true });
  for (const file of ["Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock"]) {
    await cp(join(folder, file), join(copy, file)).catch(() => undefined);
  }
  // Helm first checks that the folders of `file://` dependencies exist.
  for (const { repository } of dependencies) {
    if (!repository.startsWith("file://")) continue;
    await mkdir(join(root, resolve(origin, repository.slice("file://".length))), { recursive: true });
  }
  try {
    await runHelmOnline(
      [helm, "dependency", "build", "--", copy],
      root,
      { ...environment, ...NO_NETWORK },
      context,
    );
    return true;
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    return !/out of sync/.test(cause.stderrTail);
  }
}

/** A path in a chart folder. */
export interface ChartEntry {
  /** Relative to the folder. */
  readonly path: string;
  readonly isFolder: boolean;
}

/**
 * Returns the paths that helm does not package because of the `.helmignore` of the chart. Packages a
 * chart in `work` that has an empty JSON object at each of the paths, which is valid for every file
 * that helm parses. `charts/` and Chart.lock are not asked for, because helm accepts only charts in
 * the first and writes the second anew.
 * `subject` names the chart in errors. Throws `CHART_UNAVAILABLE`.
 */
export async function findIgnored(
  { folder, subject }: { readonly folder: string; readonly subject: string },
  entries: readonly ChartEntry[],
  work: string,
  context: Pick<FetchContext, "helm" | "signal" | "onActivity">,
): Promise<ReadonlySet<string>> {
  const asked = entries.filter(({ path }) => !/^(?:charts(?:\/|$)|Chart\.lock$)/.test(path));
  if (asked.length === 0) return new Set();
  const probe = join(await mkdtemp(join(work, "ignore-")), "probe");
  await mkdir(probe);
  // Helm packages requirements.yaml only in a chart of version 1.
  const chart = { apiVersion: "v1", name: "probe", version: "0.0.0" };
  await writeFile(join(probe, "Chart.yaml"), stringify(chart));
  await cp(join(folder, ".helmignore"), join(probe, ".helmignore")).catch(() => undefined);
  const fileOf = ({ path, isFolder }: ChartEntry): string => (isFolder ? `${path}/viola-airgap-entry` : path);
  for (const entry of asked) {
    const file = join(probe, fileOf(entry));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, "{}");
  }
  const packaged = await readArchive(await packageFolder(probe, subject, work, context));
  const paths = new Set(packaged.map(({ path }) => path.slice("probe/".length)));
  return new Set(asked.filter((entry) => !paths.has(fileOf(entry))).map(({ path }) => path));
}
