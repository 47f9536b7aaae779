// The content of a bundle for each path.
import { describe, expect, test } from "vitest";
import { parseDocument, type Scalar, type YAMLMap } from "yaml";
import { makeChartArtifacts } from "../../../../src/adapters/bundle-registry/chart-artifacts.js";
import { makeChartRoutes } from "../../../../src/adapters/bundle-registry/chart-routes.js";
import { parseRange, selectPart } from "../../../../src/adapters/bundle-registry/conditions.js";
import { pageOf } from "../../../../src/adapters/bundle-registry/name-list.js";
import { makeRoutes } from "../../../../src/adapters/bundle-registry/routes.js";
import type { Inventory } from "../../../../src/core/bundle/inventory.js";
import { OCI_INDEX, OCI_MANIFEST, type Descriptor } from "../../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { digestOfText, imageOf, inventoryOf } from "../../core/load/inventory-of.js";
import { placesOf } from "../../../support/places-of.js";

const routesOf = (images: Inventory["images"]): ReturnType<typeof makeRoutes> =>
  makeRoutes(inventoryOf(images), placesOf(inventoryOf(images)));
const prometheus = imageOf("quay.io/prometheus/prometheus:v2", { layers: ["layer"] });
const busybox = imageOf("docker.io/library/busybox:1", { layers: ["layer"] });
const findRoute = routesOf([prometheus, busybox]);
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
    const find = routesOf([single]);
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
    const name = "quay.io/prometheus/prometheus";
    expect(findRoute(`/v2/${name}/tags/list`, undefined)).toEqual({
      kind: "list",
      list: { field: "tags", name, entries: ["v2"] },
    });
    expect(findRoute("/v2/_catalog", undefined)).toEqual({
      kind: "list",
      list: { field: "repositories", entries: ["docker.io/library/busybox", name] },
    });
    expect(findRoute("/v2/_catalog", "quay.io")).toMatchObject({
      list: { entries: ["prometheus/prometheus"] },
    });
    // A colon is not allowed in the path of a repository.
    const single = imageOf("lab.example:5000/a/b:1", { layers: ["layer"] });
    expect(routesOf([single])("/v2/_catalog", undefined)).toMatchObject({
      list: { entries: ["lab.example_5000/a/b"] },
    });
    expect(findRoute("/v2/quay.io/no/such/tags/list", undefined)).toEqual({
      kind: "unknown",
      code: "NAME_UNKNOWN",
    });
  });

  test("nothing refers to an image, whether the bundle has it or not", () => {
    for (const digest of [prometheus.digest, digestOfText("else"), `sha512:${"0".repeat(128)}`]) {
      const route = findRoute(`/v2/prometheus/prometheus/referrers/${digest}`, "quay.io");
      expect(route).toMatchObject({ kind: "document", mediaType: OCI_INDEX });
      expect(route.kind === "document" && (JSON.parse(route.text) as unknown)).toEqual({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [],
      });
    }
    expect(findRoute("/v2/a/b/referrers/latest", undefined)).toEqual({
      kind: "invalid",
      code: "DIGEST_INVALID",
    });
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

describe("a page of a list", () => {
  const list = { field: "tags", name: "a", entries: ["1", "10", "2", "b"] } as const;
  const page = (query: string): unknown => {
    const found = pageOf(list, new URLSearchParams(query));
    return found && { ...(JSON.parse(found.text) as object), next: found.next };
  };

  test.each([
    ["", ["1", "10", "2", "b"], undefined],
    ["n=2", ["1", "10"], "10"],
    ["n=2&last=10", ["2", "b"], undefined],
    ["n=1&last=10", ["2"], "2"],
    // `last` need not be an entry of the list.
    ["last=11", ["2", "b"], undefined],
    ["n=2&last=z", [], undefined],
    ["n=9", ["1", "10", "2", "b"], undefined],
    ["n=0", [], undefined],
  ])("%j", (query, tags, last) => {
    const n = new URLSearchParams(query).get("n");
    expect(page(query)).toEqual({ name: "a", tags, next: last && { n, last } });
  });

  test.each(["n=-1", "n=x", "n=", "n=1.5"])("%s is refused", (query) => {
    expect(page(query)).toBeUndefined();
  });
});

describe("a conditional request", () => {
  const content = { digest: "sha256:1", size: 100 };
  const part = (headers: Record<string, string>, method = "GET"): unknown =>
    selectPart(method, headers, content);

  test.each(['"sha256:1"', 'W/"sha256:1"', '"sha256:0", "sha256:1"', "sha256:1", "*"])(
    "for what the client has: %s",
    (tag) => {
      expect(part({ "if-none-match": tag, range: "bytes=0-1" })).toBe("unchanged");
      expect(part({ "if-none-match": tag }, "HEAD")).toBe("unchanged");
    },
  );

  test("for what it has not gets the content", () => {
    expect(part({ "if-none-match": '"sha256:0"' })).toBeUndefined();
    expect(part({ "if-none-match": '"sha256:0"', range: "bytes=0-1" })).toEqual({ start: 0, end: 1 });
  });

  test("for a part gets it only of the content that it knows, and only with GET", () => {
    expect(part({ range: "bytes=0-1", "if-range": '"sha256:1"' })).toEqual({ start: 0, end: 1 });
    expect(part({ range: "bytes=0-1", "if-range": '"sha256:0"' })).toBeUndefined();
    expect(part({ range: "bytes=0-1" }, "HEAD")).toBeUndefined();
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

describe("charts as artifacts", () => {
  const release = (version: string): Inventory["releases"][number] => ({
    name: "release",
    namespace: "apps",
    chart: { name: "app", version },
    file: `charts/app-${version}.tgz`,
    sha256: digestOfText(version).slice("sha256:".length),
    values: [],
  });
  const releases = ["1.0.0", "1.1.0+build.2", "1.0.0"].map(release);
  const { findRoute: find, repositories } = makeChartArtifacts({ ...inventoryOf([]), releases }, () => ({
    file: "bundle.tar",
    offset: 512,
    size: 7,
  }));

  test("are one repository for each name", () => {
    expect(repositories).toEqual(["charts/app"]);
  });

  test("have the versions as tags, without plus signs", () => {
    expect(find("/v2/charts/app/tags/list")).toEqual({
      kind: "list",
      list: { field: "tags", name: "charts/app", entries: ["1.0.0", "1.1.0_build.2"] },
    });
  });

  test("have a manifest of the config and the archive, by tag and by digest", () => {
    const route = find("/v2/charts/app/manifests/1.1.0_build.2");
    const { text = "", digest = "" } = route?.kind === "document" ? route : {};
    expect(digestOf(text)).toBe(digest);
    expect(find(`/v2/charts/app/manifests/${digest}`)).toEqual(route);
    const { config, layers } = JSON.parse(text) as { config: Descriptor; layers: Descriptor[] };
    const found = find(`/v2/charts/app/blobs/${config.digest}`);
    expect(found).toMatchObject({ kind: "document", digest: config.digest });
    expect(found?.kind === "document" && found.text).toHaveLength(config.size);
    expect(layers).toMatchObject([{ digest: digestOfText("1.1.0+build.2"), size: 7 }]);
    expect(find(`/v2/charts/app/blobs/${layers[0]?.digest ?? ""}`)).toMatchObject({
      kind: "content",
      content: { offset: 512, size: 7 },
    });
  });

  test("are found by no other name", () => {
    for (const path of ["/v2/app/manifests/1.0.0", "/v2/charts/app/manifests/2", "/v2/charts/app"]) {
      expect(find(path)).toBeUndefined();
    }
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
    const find = makeChartRoutes({ ...inventoryOf([]), releases }, () => ({
      file: "bundle.tar",
      offset: 0,
      size: 1,
    }));
    const route = find("/charts/index.yaml", undefined);
    const index = route.kind === "document" ? (parseDocument(route.text).contents as YAMLMap) : undefined;
    const entries = index?.get("entries") as YAMLMap<Scalar<string>>;
    expect(entries.items.map(({ key }) => key.value)).toEqual(names);
  });
});
