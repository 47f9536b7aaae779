// Compares the charts of two bundles: releases by name and namespace, and the subcharts in packages.
import type { InventoryRelease } from "../bundle/inventory.js";
import type { ChartAt, ChartChange, ChartVersion, ComparedBundle, SubchartChange } from "./bundle-diff.js";

/** A release in the old bundle, the new bundle, or both. */
export interface ReleasePair {
  readonly old: InventoryRelease | undefined;
  readonly next: InventoryRelease | undefined;
}

/** Returns the releases of both bundles: those of the new one in order, then those only in the old. */
export function pairReleases(
  old: readonly InventoryRelease[],
  next: readonly InventoryRelease[],
): readonly ReleasePair[] {
  const before = new Map(old.map((release) => [keyOf(release), release]));
  const after = new Set(next.map(keyOf));
  return [
    ...next.map((release) => ({ old: before.get(keyOf(release)), next: release })),
    ...old
      .filter((release) => !after.has(keyOf(release)))
      .map((release) => ({ old: release, next: undefined })),
  ];
}

/** Returns how the chart of the release differs, or undefined when it is the same. */
export function compareChart(
  { old, next }: ReleasePair,
  bundles: { readonly old: ComparedBundle; readonly next: ComparedBundle },
): ChartChange | undefined {
  const release = next ?? old;
  const change = changeOf({ old, next });
  if (release === undefined || change === undefined) return undefined;
  const isCompared = old !== undefined && next !== undefined;
  return {
    change,
    release: release.name,
    namespace: release.namespace,
    old: old === undefined ? null : versionOf(old),
    new: next === undefined ? null : versionOf(next),
    subcharts: isCompared
      ? compareSubcharts(bundles.old.charts.get(old.file), bundles.next.charts.get(next.file))
      : [],
  };
}

function changeOf({ old, next }: ReleasePair): ChartChange["change"] | undefined {
  if (old === undefined) return "added";
  if (next === undefined) return "removed";
  const isSameVersion = old.chart.name === next.chart.name && old.chart.version === next.chart.version;
  if (!isSameVersion) return "version";
  return old.sha256 === next.sha256 ? undefined : "content";
}

/** Charts are matched by their folder, which for a dependency with an alias is that of its name. */
function compareSubcharts(
  old: readonly ChartAt[] | undefined,
  next: readonly ChartAt[] | undefined,
): readonly SubchartChange[] | null {
  if (old === undefined || next === undefined) return null;
  const [before, after] = [versionsByPath(old), versionsByPath(next)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .flatMap((path): readonly SubchartChange[] => {
      const [then, now] = [before.get(path) ?? null, after.get(path) ?? null];
      if (then === now) return [];
      const change = then === null ? "added" : now === null ? "removed" : "version";
      return [{ change, path, old: then, new: now }];
    });
}

/** The chart itself is left out, and so is its name: `app/charts/inner` becomes `inner`. */
function versionsByPath(charts: readonly ChartAt[]): ReadonlyMap<string, string> {
  return new Map(
    charts.flatMap(({ path, version }) => {
      const inner = path.split("/charts/").slice(1);
      return inner.length === 0 ? [] : [[inner.join("/"), version] as const];
    }),
  );
}

function versionOf({ chart: { name, version, appVersion } }: InventoryRelease): ChartVersion {
  return { name, version, appVersion: appVersion ?? null };
}

function keyOf({ name, namespace }: InventoryRelease): string {
  return `${namespace}/${name}`;
}
