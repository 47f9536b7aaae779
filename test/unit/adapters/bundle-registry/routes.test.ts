// The content of a bundle for each path.
import { describe, expect, test } from "vitest";
import { parseDocument, type Scalar, type YAMLMap } from "yaml";
import { makeChartRoutes } from "../../../../src/adapters/bundle-registry/chart-routes.js";
import { makeRoutes, parseRange } from "../../../../src/adapters/bundle-registry/routes.js";
import { OCI_INDEX, OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOfText, imageOf, inventoryOf } from "../../core/load/inventory-of.js";

const prometheus = imageOf("quay.io/prometheus/prometheus:v2", { layers: ["layer"] });
const busybox = imageOf("docker.io/library/busybox:1", { layers: ["layer"] });
const findRoute = makeRoutes(inventoryOf([prometheus, busybox]));
const digestFor = (path: string, registry?: string): string | undefined => {
  const route = findRoute(path, registry);
  return route.kind === "content" ? route.content.digest : undefined;
};

describe("routes", () => {
  test("the root is that of a registry", () => {
    expect(findRoute("/v2/", undefined)).toEqual({ kind: "ping" });
  });

  test("a tag is found only in the registry in the ns query", () => {
    const path = "/v2/prometheus/prometheus/manifests/v2";
    expect(digestFor(path, "quay.io")).toBe(prometheus.digest);
    expect(digestFor(path, "ghcr.io")).toBeUndefined();
    expect(findRoute(path, "ghcr.io")).toMatchObject({ kind: "unknown", code: "NAME_UNKNOWN" });
  });

  test("a registry in both path and query is used once, as containerd requests below the path of a mirror", () => {
    expect(digestFor("/v2/quay.io/prometheus/prometheus/manifests/v2", "quay.io")).toBe(prometheus.digest);
    expect(digestFor("/v2/docker.io/library/busybox/manifests/1", "docker.io")).toBe(busybox.digest);
  });

  test("a registry with a port is found by its name and its folder", () => {
    const single = imageOf("lab.example:5000/a/b:1", { layers: ["layer"] });
    const find = makeRoutes(inventoryOf([single]));
    for (const path of ["/v2/lab.example:5000/a/b/manifests/1", "/v2/lab.example_5000/a/b/manifests/1"]) {
      expect(find(path, undefined)).toMatchObject({ content: { digest: single.digest } });
    }
    expect(find("/v2/a/b/manifests/1", "lab.example:5000")).toMatchObject({
      content: { digest: single.digest },
    });
  });

  test("the requested manifest is reported with its full name, whether it exists or not", () => {
    expect(findRoute("/v2/busybox/manifests/1", undefined)).toMatchObject({
      wanted: { registry: "docker.io", repository: "library/busybox", reference: "1" },
    });
    expect(findRoute("/v2/a/b/manifests/2", "ghcr.io")).toMatchObject({
      wanted: { registry: "ghcr.io", repository: "a/b", reference: "2" },
    });
    expect(findRoute("/v2/ghcr.io/a/b/manifests/2", "ghcr.io")).toMatchObject({
      wanted: { registry: "ghcr.io", repository: "a/b", reference: "2" },
    });
  });

  test("tags and repositories are listed", () => {
    const text = (path: string): unknown => {
      const route = findRoute(path, undefined);
      return route.kind === "document" ? JSON.parse(route.text) : route;
    };
    expect(text("/v2/quay.io/prometheus/prometheus/tags/list")).toEqual({
      name: "quay.io/prometheus/prometheus",
      tags: ["v2"],
    });
    expect(text("/v2/_catalog")).toEqual({
      repositories: ["docker.io/library/busybox", "quay.io/prometheus/prometheus"],
    });
    expect(text("/v2/quay.io/no/such/tags/list")).toEqual({ kind: "unknown", code: "NAME_UNKNOWN" });
  });

  test("without a query the registry is part of the path, or Docker Hub", () => {
    expect(digestFor("/v2/quay.io/prometheus/prometheus/manifests/v2")).toBe(prometheus.digest);
    expect(digestFor("/v2/library/busybox/manifests/1")).toBe(busybox.digest);
    expect(digestFor("/v2/prometheus/prometheus/manifests/v2")).toBeUndefined();
  });

  test("manifests are found by digest with the media type of the inventory", () => {
    const [index, manifest] = prometheus.manifests;
    for (const [entry, mediaType] of [
      [index, OCI_INDEX],
      [manifest, OCI_MANIFEST],
    ] as const) {
      const path = `/manifests/${entry?.digest ?? ""}`;
      expect(findRoute(`/v2/prometheus/prometheus${path}`, "quay.io")).toMatchObject({
        content: { digest: entry?.digest, mediaType, size: entry?.size },
      });
      // A node does not use this name of the image.
      expect(findRoute(`/v2/any/name${path}`, "quay.io")).toMatchObject({ code: "NAME_UNKNOWN" });
    }
  });

  test("a layer is a blob and not a manifest", () => {
    const layer = digestOfText("layer");
    expect(digestFor(`/v2/x/blobs/${layer}`)).toBe(layer);
    expect(digestFor(`/v2/x/manifests/${layer}`)).toBeUndefined();
  });

  test("content that is not in the bundle and other paths are unknown", () => {
    const blob = digestOfText("else");
    expect(findRoute(`/v2/x/blobs/${blob}`, undefined)).toEqual({
      kind: "unknown",
      code: "BLOB_UNKNOWN",
      blob,
    });
    expect(findRoute("/v2/x/uploads/1", undefined)).toEqual({ kind: "unknown", code: "UNSUPPORTED" });
    expect(findRoute("/metrics", undefined)).toEqual({ kind: "unknown", code: "UNSUPPORTED" });
  });
});

describe("a Range header", () => {
  test.each([
    ["bytes=0-9", { start: 0, end: 9 }],
    ["bytes=90-", { start: 90, end: 99 }],
    ["bytes=90-500", { start: 90, end: 99 }],
    ["bytes=-10", { start: 90, end: 99 }],
    ["bytes=-500", { start: 0, end: 99 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=9-3", undefined],
    ["bytes=0-1,5-6", undefined],
    ["bytes=-", undefined],
    ["lines=1-2", undefined],
    [undefined, undefined],
  ])("%s of 100 bytes", (header, range) => {
    expect(parseRange(header, 100)).toEqual(range);
  });
});

describe("the chart index", () => {
  test("lists a chart with any name", () => {
    const names = ["app", "__proto__", "constructor"];
    const releases = names.map((name) => ({
      name: "release",
      namespace: "apps",
      chart: { name, version: "1.0.0" },
      file: `charts/${name}-1.0.0.tgz`,
      sha256: "a".repeat(64),
      values: [],
    }));
    const find = makeChartRoutes({ ...inventoryOf([]), releases }, () => ({ offset: 0, size: 1 }));
    const route = find("/charts/index.yaml", undefined);
    const index = route.kind === "document" ? (parseDocument(route.text).contents as YAMLMap) : undefined;
    const entries = index?.get("entries") as YAMLMap<Scalar<string>>;
    expect(entries.items.map(({ key }) => key.value)).toEqual(names);
  });
});
