// Downloads the dependencies that a spec adds to a chart while the chart itself is downloaded.
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { ChartDependency } from "../../core/charts/chart.js";
import { downloadChart, type RemoteSource } from "./fetch-chart.js";
import type { FetchContext } from "./fetch-context.js";

/** Downloads that were started before it is known whether the chart lacks the dependencies. */
export interface EarlyDownloads {
  /** Returns the archive of a dependency, or undefined when its download was not started. */
  find(dependency: ChartDependency): Promise<string> | undefined;
  /** Ends the downloads that nobody waits for any more. */
  stop(): Promise<void>;
}

export const NO_DOWNLOADS: EarlyDownloads = { find: () => undefined, stop: () => Promise.resolve() };

/** Starts to download the dependencies that are not in folders, each into a folder in `work`. */
export function startDownloads(
  dependencies: readonly ChartDependency[],
  work: string,
  context: FetchContext,
): EarlyDownloads {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const started = new Map<string, Promise<string>>();
  for (const dependency of dependencies) {
    const source = remoteSourceOf(dependency);
    if (source === undefined || started.has(keyOf(dependency))) continue;
    const download = async (): Promise<string> =>
      downloadChart(source, await mkdtemp(join(work, "early-")), { ...context, signal });
    const downloading = download();
    // Whoever waits for it gets the error.
    downloading.catch(() => undefined);
    started.set(keyOf(dependency), downloading);
  }
  return {
    find: (dependency) => started.get(keyOf(dependency)),
    stop: async () => {
      stop.abort();
      await Promise.allSettled(started.values());
    },
  };
}

/** Returns where helm downloads a dependency from, or undefined for a folder or no repository. */
export function remoteSourceOf({ name, version, repository }: ChartDependency): RemoteSource | undefined {
  if (repository === "" || repository.startsWith("file://")) return undefined;
  return repository.startsWith("oci://")
    ? { kind: "oci", reference: `${repository.replace(/\/+$/, "")}/${name}`, version }
    : { kind: "repository", repository, name, version };
}

function keyOf({ name, version, repository }: ChartDependency): string {
  return JSON.stringify([name, version, repository]);
}
