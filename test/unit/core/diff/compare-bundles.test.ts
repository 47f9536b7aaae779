// The comparison of two bundles: what changed is named exactly, and nothing else is.
import { describe, expect, it } from "vitest";
import { compareBundles } from "../../../../src/core/diff/compare-bundles.js";
import type { BundleDiff, ChartAt, ComparedBundle } from "../../../../src/core/diff/bundle-diff.js";
import type { Inventory, InventoryImage, InventoryRelease } from "../../../../src/core/bundle/inventory.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";
import { imageOf, inventoryOf } from "../load/inventory-of.js";

/** A bundle of the images, whose other parts are given. Texts are also the contents of files. */
function bundle(
  images: readonly InventoryImage[],
  {
    texts = {},
    charts = {},
    kind = "bundle",
    ...more
  }: Partial<Omit<Inventory, "images">> & {
    readonly texts?: Readonly<Record<string, string>>;
    readonly charts?: Readonly<Record<string, readonly ChartAt[]>>;
    readonly kind?: ComparedBundle["kind"];
  } = {},
): ComparedBundle {
  const files = Object.entries(texts).map(([path, text]) => fileOf(path, text));
  return {
    kind,
    inventory: { ...inventoryOf(images), files, ...more },
    size: 100_000,
    texts: new Map(Object.entries(texts)),
    charts: new Map(Object.entries(charts)),
  };
}

function fileOf(path: string, text: string): Inventory["files"][number] {
  return { path, sha256: hexOf(digestOf(text)), size: text.length };
}

function release(name: string, more: Partial<InventoryRelease> & { readonly version?: string } = {}) {
  const { version = "1.0.0", ...rest } = more;
  return {
    name,
    namespace: "apps",
    chart: { name, version },
    file: `charts/${name}-${version}.tgz`,
    sha256: hexOf(digestOf(`${name} ${version}`)),
    values: [],
    ...rest,
  };
}

function diff(old: ComparedBundle, next: ComparedBundle, showsValues = false): BundleDiff {
  return compareBundles(old, next, { showsValues });
}

const web = imageOf("quay.io/shop/web:1.0", { layers: ["base", "web one"] });

describe("images", () => {
  const changesOf = (old: readonly InventoryImage[], next: readonly InventoryImage[]) =>
    diff(bundle(old), bundle(next)).images.map(({ change, repository, old: from, new: to }) => [
      change,
      repository,
      from?.tag,
      to?.tag,
    ]);

  it("are the same: no difference", () => {
    expect(diff(bundle([web]), bundle([web]))).toMatchObject({ different: false, images: [] });
  });

  it("have another tag: only this image, with its new layers and bytes", () => {
    const db = imageOf("quay.io/shop/db:1", { layers: ["base", "db"] });
    const next = imageOf("quay.io/shop/web:1.1", { layers: ["base", "web two"] });
    const report = diff(bundle([db, web]), bundle([db, next]));

    expect(report.different).toBe(true);
    const own = [...next.manifests, ...next.platforms.flatMap(({ config }) => [config])];
    expect(report.images).toEqual([
      {
        change: "tag",
        repository: "quay.io/shop/web",
        host: false,
        old: expect.objectContaining({ normalized: "quay.io/shop/web:1.0", tag: "1.0" }) as unknown,
        new: expect.objectContaining({ normalized: "quay.io/shop/web:1.1", tag: "1.1" }) as unknown,
        layers: { added: 1, removed: 1, kept: 1 },
        newBytes: "web two".length + own.reduce((sum, { size }) => sum + size, 0),
      },
    ]);
    expect(report.layers).toEqual({
      added: { count: 1, bytes: "web two".length },
      removed: { count: 1, bytes: "web one".length },
      kept: { count: 2, bytes: "basedb".length },
    });
  });

  it("have the same tag with another digest", () => {
    const next = { ...web, digest: digestOf("rebuilt") };
    expect(changesOf([web], [next])).toEqual([["digest", "quay.io/shop/web", "1.0", "1.0"]]);
  });

  it("have the same digest for more platforms", () => {
    const next = { ...web, platforms: [...web.platforms, { ...web.platforms[0]!, platform: "linux/arm64" }] };
    expect(changesOf([web], [next])).toEqual([["platforms", "quay.io/shop/web", "1.0", "1.0"]]);
  });

  it("are pinned by digests that differ", () => {
    const pinned = (text: string) => imageOf(`quay.io/shop/web@${digestOf(text)}`);
    expect(changesOf([pinned("a")], [pinned("b")])).toEqual([
      ["digest", "quay.io/shop/web", undefined, undefined].map((one) => one ?? null),
    ]);
  });

  it("were added and removed", () => {
    const db = imageOf("quay.io/shop/db:1");
    expect(changesOf([web], [db])).toEqual([
      ["added", "quay.io/shop/db", undefined, "1"],
      ["removed", "quay.io/shop/web", "1.0", undefined],
    ]);
  });

  it("of one repository are matched by name, then by the field that uses them", () => {
    const at = (name: string, object: string): InventoryImage => ({
      ...imageOf(name),
      evidence: [
        {
          rule: "pod-spec",
          chart: "a",
          template: "t",
          object,
          path: "spec.containers[0].image",
          value: name,
        },
      ],
    });
    const [old, next] = [
      [at("a.io/b:1", "Pod a"), at("a.io/b:2", "Pod b"), at("a.io/b:3", "Pod c")],
      [at("a.io/b:3", "Pod c"), at("a.io/b:8", "Pod b"), at("a.io/b:9", "Pod a"), at("a.io/b:10", "Pod d")],
    ];
    expect(changesOf(old, next)).toEqual([
      ["tag", "a.io/b", "1", "9"],
      ["tag", "a.io/b", "2", "8"],
      ["added", "a.io/b", undefined, "10"],
    ]);
  });

  it("of the host are compared between two bundles only", () => {
    const [old, next] = [bundle([web], { hostImages: [web] }), bundle([web])];
    expect(diff(old, next).images).toMatchObject([{ change: "removed", host: true }]);
    expect(diff(old, { ...next, kind: "spec" })).toMatchObject({ different: false });
  });
});

describe("a differential bundle", () => {
  it("weighs what the new one weighs without the entries of blobs that the old one has", () => {
    const next = imageOf("quay.io/shop/web:1.1", { layers: ["base", "web two"] });
    const report = diff(bundle([web]), bundle([next]));

    // The shared layer: a header and a padded block.
    expect(report.differential).toEqual({
      blobs: report.blobs.added.count,
      blobBytes: report.blobs.added.bytes,
      size: 100_000 - 1024,
    });
    expect(report.blobs.added.count).toBe(4);
    expect(report.blobs.kept).toEqual({ count: 1, bytes: 4 });
  });
});

describe("charts", () => {
  it.each([
    ["added", [], [release("web")]],
    ["removed", [release("web")], []],
    ["version", [release("web")], [release("web", { version: "1.1.0" })]],
    ["version", [release("web")], [release("web", { chart: { name: "other", version: "1.0.0" } })]],
    ["content", [release("web")], [release("web", { sha256: hexOf(digestOf("patched")) })]],
  ] as const)("%s", (change, old, next) => {
    const report = diff(bundle([], { releases: old }), bundle([], { releases: next }));
    expect(report.charts).toMatchObject([{ change, release: "web", namespace: "apps" }]);
    expect(report.different).toBe(true);
  });

  it("in another namespace are another release", () => {
    const [old, next] = [[release("web")], [release("web", { namespace: "other" })]];
    const report = diff(bundle([], { releases: old }), bundle([], { releases: next }));
    expect(report.charts.map(({ change }) => change)).toEqual(["added", "removed"]);
  });

  it("have subcharts with other versions", () => {
    const at = (path: string, version: string): ChartAt => ({ path, version });
    const [old, next] = [release("web"), release("web", { version: "1.1.0" })];
    const report = diff(
      bundle([], {
        releases: [old],
        charts: {
          [old.file]: [
            at("web", "1.0.0"),
            at("web/charts/db", "3"),
            at("web/charts/db/charts/common", "2"),
            at("web/charts/gone", "1"),
          ],
        },
      }),
      bundle([], {
        releases: [next],
        charts: {
          [next.file]: [at("web", "1.1.0"), at("web/charts/db", "4"), at("web/charts/db/charts/common", "2")],
        },
      }),
    );
    expect(report.charts[0]?.subcharts).toEqual([
      { change: "version", path: "db", old: "3", new: "4" },
      { change: "removed", path: "gone", old: "1", new: null },
    ]);
  });

  it("have unknown subcharts if a package cannot be read", () => {
    const [old, next] = [[release("web")], [release("web", { version: "2.0.0" })]];
    const report = diff(bundle([], { releases: old }), bundle([], { releases: next }));
    expect(report.charts[0]?.subcharts).toBeNull();
  });
});

describe("values", () => {
  const one = "values/web.yaml";
  const withValues = (...texts: readonly string[]): ComparedBundle => {
    const paths = texts.map((_, index) => (texts.length === 1 ? one : `values/web.${index + 1}.yaml`));
    return bundle([], {
      releases: [release("web", { values: paths })],
      texts: Object.fromEntries(paths.map((path, index) => [path, texts[index] ?? ""])),
    });
  };
  const withKeys = (text: string): ComparedBundle =>
    bundle([], {
      releases: [release("web", { withheldValues: { keys: ["values/web.keys.yaml"] } })],
      texts: { "values/web.keys.yaml": text },
    });
  const withNone = bundle([], { releases: [release("web", { withheldValues: { keys: [] } })] });
  const keysOf = (old: string, next: string) =>
    diff(withValues(old), withValues(next)).values.flatMap(({ keys }) =>
      keys.map(({ change, path }) => `${change} ${path}`),
    );

  it("are named by key, and their contents are not shown", () => {
    const report = diff(
      withValues("a: {password: old}\nsame: 1\n"),
      withValues("a: {password: new}\nsame: 1\n"),
    );

    expect(report.values).toEqual([
      {
        release: "web",
        namespace: "apps",
        files: [{ change: "changed", path: one }],
        keys: [{ change: "changed", path: "a.password" }],
        compared: "all",
      },
    ]);
    expect(JSON.stringify(report)).not.toMatch(/old"?[,}]|"new"$/);
  });

  it("are shown on request", () => {
    const report = diff(withValues("a: 1\ngone: x\n"), withValues("a: 2\nb: {c: 3}\n"), true);
    expect(report.values[0]?.keys).toEqual([
      { change: "changed", path: "a", old: 1, new: 2 },
      { change: "added", path: "b", new: { c: 3 } },
      { change: "removed", path: "gone", old: "x" },
    ]);
  });

  it.each([
    ["a: 1\n", "# a comment\na:   1\n", []],
    ["a: 1\nb: 2\n", "b: 2\na: 1\n", []],
    ["", "a: null\n", ["added a"]],
    ["a: {b: {c: 1}}\n", "a: 1\n", ["changed a"]],
    ["a: {b: 1}\n", "a: {}\n", ["removed a.b"]],
    ["a: '1'\n", "a: 1\n", ["changed a"]],
    ["a: [1, {b: 2}]\n", "a: [1, {b: 3}]\n", ["changed a[1].b"]],
    ["a: [1]\n", "a: [1, 2]\n", ["changed a"]],
    ["a.b: 1\n", "a.b: 2\n", ['changed ["a.b"]']],
    ["__proto__: {a: 1}\n", "__proto__: {a: 2}\n", ["changed __proto__.a"]],
    ["constructor: 1\n", "", ["removed constructor"]],
  ])("%j and %j differ in %j", (old, next, keys) => {
    expect(keysOf(old, next)).toEqual(keys);
  });

  it("are compared after the files are merged as Helm does", () => {
    const [split, whole] = [withValues("a: {b: 1, c: 1}\n", "a: {c: 2}\n"), withValues("a: {b: 1, c: 2}\n")];
    const [values] = diff(split, whole).values;

    expect(values?.keys).toEqual([]);
    expect(values?.files).toEqual([
      { change: "removed", path: "values/web.1.yaml" },
      { change: "removed", path: "values/web.2.yaml" },
      { change: "added", path: one },
    ]);
  });

  it("are compared by key alone with a bundle that has only keys", () => {
    const report = diff(withKeys("a:\ngone:\n"), withValues("a: secret\nb: [x]\n"), true);

    expect(report.values).toMatchObject([{ compared: "keys" }]);
    expect(report.values[0]?.keys).toEqual([
      { change: "added", path: "b" },
      { change: "removed", path: "gone" },
    ]);
  });

  it("are unknown when a bundle was built without them, and when they are not YAML", () => {
    expect(diff(withNone, withValues("a: 1\n")).values).toMatchObject([{ compared: "none", keys: [] }]);
    expect(diff(withNone, withNone).values).toEqual([]);
    expect(diff(withValues("a: ["), withValues("a: 1")).values).toMatchObject([{ compared: "none" }]);
    expect(diff(withValues("- a"), withValues("a: 1")).values).toMatchObject([{ compared: "none" }]);
  });
});

describe("other differences", () => {
  it("are settings of the bundle", () => {
    const next = bundle([], {
      version: "1.1.0",
      kubeVersion: "v1.31.0",
      excluded: [{ reference: "a.io/b:1", reason: "" }],
    });
    expect(diff(bundle([]), next).settings).toEqual([
      { setting: "version", old: ["1.0.0"], new: ["1.1.0"] },
      { setting: "kubeVersion", old: [], new: ["v1.31.0"] },
      { setting: "excluded", old: [], new: ["a.io/b:1"] },
    ]);
  });

  it("are files that are neither charts, nor values, nor facts, of two bundles", () => {
    const files = (text: string) =>
      ["facts", "load.sh", "charts/web-1.0.0.tgz"].map((path) => fileOf(path, text));
    const [old, next] = ["a", "b"].map((text) =>
      bundle([], { releases: [release("web")], files: files(text) }),
    );
    expect(diff(old!, next!).files).toEqual([{ change: "changed", path: "load.sh" }]);
    expect(diff(old!, { ...next!, kind: "spec" }).files).toEqual([]);
  });
});
