// The formats of a comparison: text from outside is not interpreted as Markdown, HTML or a table.
import { expect, it } from "vitest";
import { formatDiff } from "../../../../src/cli/reporters/diff.js";
import type { BundleDiff } from "../../../../src/core/diff/bundle-diff.js";

const NONE = { count: 0, bytes: 0 };
const SIDE = {
  kind: "bundle",
  name: "shop",
  version: "1",
  images: 0,
  layers: 0,
  blobBytes: 0,
  size: 1000,
} as const;

function report(more: Partial<BundleDiff>): BundleDiff {
  return {
    formatVersion: 1,
    different: true,
    old: SIDE,
    new: SIDE,
    settings: [],
    charts: [],
    values: [],
    images: [],
    files: [],
    layers: { added: NONE, removed: NONE, kept: NONE },
    blobs: { added: NONE, removed: NONE, kept: NONE },
    differential: { blobs: 0, blobBytes: 0, size: 1000 },
    ...more,
  };
}

it("escapes keys of values in Markdown", () => {
  const keys = [{ change: "added", path: "a|b <script> `c` [d](e)" }] as const;
  const values = [{ release: "web", namespace: "apps", files: [], keys, compared: "all" }] as const;
  const [row = ""] = formatDiff(report({ values }), "markdown")
    .split("\n")
    .filter((line) => line.includes("script"));

  expect(row.replaceAll("\\|", "").split("|")).toHaveLength(5);
  expect(row).not.toMatch(/(?<!\\)[<>`[\]]/);
});

it("shows a file whose values are the same, values that are missing, and unknown subcharts", () => {
  const chart = { name: "web", version: "1", appVersion: null };
  const head = { release: "web", namespace: "apps" };
  const text = formatDiff(
    report({
      charts: [{ ...head, change: "content", old: chart, new: chart, subcharts: null }],
      values: [
        { ...head, files: [{ change: "changed", path: "values/web.yaml" }], keys: [], compared: "all" },
        { ...head, release: "db", files: [], keys: [], compared: "none" },
      ],
    }),
    "table",
  );

  expect(text).toMatch(/^changed +apps\/web +values\/web\.yaml /m);
  expect(text).toMatch(/^unknown +apps\/db /m);
  expect(text).toMatch(/^unknown +apps\/web +subcharts of web/m);
});

it("shows digests of images whose tag is the same, and platforms of those whose digest is", () => {
  const version = (letter: string, platforms: readonly string[]) => ({
    normalized: "a.io/b:1",
    tag: "1",
    digest: `sha256:${letter.repeat(64)}`,
    platforms,
    compressedBytes: 1,
  });
  const image = { repository: "a.io/b", host: false, layers: { added: 0, removed: 0, kept: 1 }, newBytes: 1 };
  const text = formatDiff(
    report({
      images: [
        {
          ...image,
          change: "digest",
          old: version("a", ["linux/amd64"]),
          new: version("b", ["linux/amd64"]),
        },
        {
          ...image,
          change: "platforms",
          old: version("a", ["linux/amd64"]),
          new: version("a", ["linux/arm64"]),
        },
        { ...image, change: "added", old: null, new: version("a", ["linux/amd64"]), host: true },
      ],
    }),
    "table",
  );

  expect(text).toMatch(/^digest +a\.io\/b +1 \(a{12}\) +1 \(b{12}\) /m);
  expect(text).toMatch(/^platforms +a\.io\/b +linux\/amd64 +linux\/arm64 /m);
  expect(text).toMatch(/^added +a\.io\/b \(for the host\) +- +1 /m);
});
