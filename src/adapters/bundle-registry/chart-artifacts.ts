// The charts of a bundle as OCI artifacts, for `helm pull oci://HOST/charts/NAME`. Does no I/O.
import type { Inventory } from "../../core/bundle/inventory.js";
import { OCI_MANIFEST } from "../../core/oci/descriptor.js";
import { digestOf } from "../../core/oci/digest.js";
import { chartMetadata, distinctCharts, type LocateFile } from "./chart-routes.js";
import { BLOB_MEDIA_TYPE, type Route } from "./routes.js";

/** https://github.com/helm/helm/blob/main/pkg/registry/constants.go */
const CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json";
const CHART_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const PREFIX = "/v2/charts/";

/** The repositories of the charts. */
interface ChartArtifacts {
  /** Such as `charts/NAME`. */
  readonly repositories: readonly string[];
  /** Finds their manifests, blobs and tags. Returns undefined for all other paths. */
  readonly findRoute: (path: string) => Route | undefined;
}

/** Returns the charts of the inventory as repositories, each with a tag for every version. */
export function makeChartArtifacts({ releases }: Inventory, locate: LocateFile): ChartArtifacts {
  const routes = new Map<string, Route>();
  const versions = new Map<string, string[]>();
  for (const { chart, file, sha256 } of distinctCharts(releases)) {
    const repository = `${PREFIX}${chart.name}`;
    // Tags must not contain a plus sign. Helm replaces it like this.
    const tag = chart.version.replaceAll("+", "_");
    const range = locate(file);
    const archive = `sha256:${sha256}`;
    const config = document(BLOB_MEDIA_TYPE, chartMetadata(chart));
    const manifest = document(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: CHART_CONFIG, digest: config.digest, size: Buffer.byteLength(config.text) },
      layers: [{ mediaType: CHART_CONTENT, digest: archive, size: range.size }],
    });
    routes.set(`${repository}/manifests/${tag}`, manifest);
    routes.set(`${repository}/manifests/${manifest.digest}`, manifest);
    routes.set(`${repository}/blobs/${config.digest}`, config);
    routes.set(`${repository}/blobs/${archive}`, {
      kind: "content",
      content: { ...range, mediaType: BLOB_MEDIA_TYPE, digest: archive },
    });
    versions.set(repository, [...(versions.get(repository) ?? []), tag]);
  }
  const nameOf = (repository: string): string => repository.slice("/v2/".length);
  for (const [repository, tags] of versions) {
    const list = { field: "tags", name: nameOf(repository), entries: [...new Set(tags)].sort() } as const;
    routes.set(`${repository}/tags/list`, { kind: "list", list });
  }
  return { repositories: [...versions.keys()].map(nameOf), findRoute: (path) => routes.get(path) };
}

function document(
  mediaType: string,
  content: object,
): Extract<Route, { kind: "document" }> & { readonly digest: string } {
  const text = JSON.stringify(content);
  return { kind: "document", mediaType, text, digest: digestOf(text) };
}
