// Questions about dependencies that helm answers: its rules for versions and lock files are asked for, not repeated here.
import { cp, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import type { ChartDependency } from "../../core/charts/chart.js";
import { ProcessError } from "../programs/run-process.js";
import type { FetchContext } from "./fetch-chart.js";
import { NO_NETWORK, runHelmOffline, runHelmOnline } from "./helm-runner.js";

/** A version of a chart, and the constraint of a dependency on it. */
export interface VersionPair {
  readonly version: string;
  readonly constraint: string;
}

/**
 * Says of each pair whether helm takes the version for the constraint. All pairs become one chart with a dependency each, whose state
 * `helm dependency list` prints. `work` is a folder for the chart.
 */
export async function acceptsVersions(
  pairs: readonly VersionPair[],
  work: string,
  { helm, signal }: FetchContext,
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
  const table = await runHelmOffline([helm, "dependency", "list", folder], work, signal);
  return pairs.map((_, index) => new RegExp(`^d${index}\\s.*\\sunpacked\\s*$`, "m").test(table));
}

/** What helm compares with a lock file. */
export interface LockedFolder {
  readonly folder: string;
  /** The folder that relative `file://` dependencies are meant from. */
  readonly origin: string;
  readonly dependencies: readonly ChartDependency[];
}

/**
 * Says whether the chart's lock file still fits its dependencies. `helm dependency build` compares both before it fetches anything, so
 * it is run where it cannot fetch: on a copy of the two files, without a network.
 */
export async function fitsLock(
  { folder, origin, dependencies }: LockedFolder,
  work: string,
  { helm, environment, signal }: FetchContext,
): Promise<boolean> {
  const root = await mkdtemp(join(work, "lock-"));
  const copy = join(root, origin);
  await mkdir(copy, { recursive: true });
  for (const file of ["Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock"]) {
    await cp(join(folder, file), join(copy, file)).catch(() => undefined);
  }
  // Helm looks for the folders of `file://` dependencies first.
  for (const { repository } of dependencies) {
    if (!repository.startsWith("file://")) continue;
    await mkdir(join(root, resolve(origin, repository.slice("file://".length))), { recursive: true });
  }
  try {
    await runHelmOnline([helm, "dependency", "build", copy], root, { ...environment, ...NO_NETWORK }, signal);
    return true;
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    return !/out of sync/.test(cause.stderrTail);
  }
}
