// Makes the entries of a release: what the inventory says about it, its chart and its values.
import type { SmallFile } from "../../core/bundle/layout-files.js";
import type { Inventory, InventoryRelease } from "../../core/bundle/inventory.js";
import { chartPath, valuesPath } from "../../core/bundle/paths.js";
import { isOneVersion } from "../../core/charts/one-version.js";
import { digestOf, hexOf } from "../../core/oci/digest.js";
import { redactUrl } from "../../core/redact.js";
import type { ChartSpec } from "../../core/spec/bundle-spec.js";
import type { PreparedRelease } from "../find/release-images.js";
import type { PlanPorts } from "../ports.js";
import type { Run } from "../progress.js";

/** A release with its files: its chart, then its values. */
export interface BundledRelease {
  readonly release: InventoryRelease;
  readonly files: readonly SmallFile[];
}

/** Reads the chart and the values. `releases` are all of the bundle, in its order. */
export async function bundledRelease(
  { signal }: Run,
  { spec, chart, valuesFiles }: PreparedRelease,
  releases: readonly PreparedRelease[],
  { charts, files }: PlanPorts,
): Promise<BundledRelease> {
  // Paths in the bundle contain release and chart names. Releases in different namespaces may have
  // the same name, and charts with the same name and version may differ.
  const isFirst = releases.find((other) => other.spec.release === spec.release)?.spec === spec;
  const key = isFirst ? spec.release : `${spec.namespace}.${spec.release}`;
  const like = releases.find(
    (other) => other.chart.name === chart.name && other.chart.version === chart.version,
  );
  const file = chartPath(chart.name, chart.version, like?.chart.digest === chart.digest ? undefined : key);
  const values = await Promise.all(
    valuesFiles.map(async (path, index) => ({
      path: valuesPath(key, index, valuesFiles.length),
      bytes: await files.readFile(path),
    })),
  );
  const bytes = await charts.readPackage(chart, signal);
  const { name, version, appVersion, kubeVersion } = chart;
  const range = rangeOf(spec);
  const repository = repositoryOf(spec);
  return {
    release: {
      name: spec.release,
      namespace: spec.namespace,
      chart: {
        name,
        version,
        ...(appVersion !== undefined && { appVersion }),
        ...(kubeVersion !== undefined && { kubeVersion }),
        ...(range !== undefined && { range }),
        ...(repository !== undefined && { repository }),
      },
      file,
      sha256: hexOf(digestOf(bytes)),
      values: values.map(({ path }) => path),
    },
    files: [{ path: file, bytes }, ...values],
  };
}

/** Returns where others can find the chart; see `InventoryRelease`. */
function repositoryOf({ source }: ChartSpec): string | undefined {
  if (source.kind === "oci") return source.reference;
  return source.kind === "repository" && URL.canParse(source.repository)
    ? redactUrl(new URL(source.repository))
    : undefined;
}

/** Returns what the spec asks for, unless that is one version. */
function rangeOf({ source }: ChartSpec): string | undefined {
  if (source.kind !== "repository" && source.kind !== "oci") return undefined;
  const { version = "*" } = source;
  const isPinned = isOneVersion(version) || (source.kind === "oci" && /:[^/]+$/.test(source.reference));
  return isPinned ? undefined : version;
}

/** Returns what is installed in the end, also if the bundle does not have the values. */
export function withAllValues(
  bundled: readonly BundledRelease[],
): Pick<Inventory, "releases"> & { readonly files: readonly { path: string; sha256: string }[] } {
  return {
    releases: bundled.map(({ release }) => release),
    files: bundled.flatMap(({ files }) =>
      files.map(({ path, bytes }) => ({ path, sha256: hexOf(digestOf(bytes)) })),
    ),
  };
}
