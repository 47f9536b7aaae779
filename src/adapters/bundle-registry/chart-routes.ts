// The routes of the charts of a bundle, in the layout of a Helm chart repository. Does no I/O.
import { stringify } from "yaml";
import type { Inventory, InventoryRelease } from "../../core/bundle/inventory.js";
import { groupBy } from "../../core/group-by.js";
import type { FindRoute, Route } from "./routes.js";

const GZIP = "application/gzip";
const FOLDER = "/charts";

/** Returns the place of a path of the bundle: `size` bytes of `file` from `offset`. */
export type LocateFile = (path: string) => {
  readonly file: string;
  readonly offset: number;
  readonly size: number;
};

/** Returns one release for each packaged chart. */
export function distinctCharts(releases: readonly InventoryRelease[]): readonly InventoryRelease[] {
  return [...new Map(releases.map((release) => [release.file, release])).values()];
}

/** Returns the inventory's part of a Chart.yaml. Helm reads the rest from the archive. */
export function chartMetadata({
  name,
  version,
  appVersion,
  kubeVersion,
}: InventoryRelease["chart"]): InventoryRelease["chart"] & { readonly apiVersion: "v2" } {
  return {
    apiVersion: "v2",
    name,
    version,
    ...(appVersion !== undefined && { appVersion }),
    ...(kubeVersion !== undefined && { kubeVersion }),
  };
}

/**
 * Returns the lookup for `/charts/index.yaml` and for each packaged chart, by its path in the
 * bundle. Other paths are unknown.
 * https://helm.sh/docs/topics/chart_repository/
 */
export function makeChartRoutes({ releases }: Inventory, locate: LocateFile): FindRoute {
  const charts = distinctCharts(releases);
  const routes = new Map<string, Route>(
    charts.map(({ file, sha256 }) => [
      `/${file}`,
      { kind: "content", content: { ...locate(file), mediaType: GZIP, digest: `sha256:${sha256}` } },
    ]),
  );
  routes.set(`${FOLDER}/index.yaml`, {
    kind: "document",
    mediaType: "application/yaml",
    text: chartIndex(charts),
  });
  return (path) => routes.get(path) ?? { kind: "unknown", code: "UNSUPPORTED" };
}

function chartIndex(releases: readonly InventoryRelease[]): string {
  const versions = releases.map(({ chart, file, sha256 }) => ({
    ...chartMetadata(chart),
    digest: sha256,
    // Relative to the index file.
    urls: [file.replace(/^charts\//, "")],
  }));
  const entries = groupBy(versions, ({ name }) => name);
  return stringify({ apiVersion: "v1", entries });
}
