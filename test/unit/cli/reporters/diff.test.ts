// The formats of a comparison: text from outside is not interpreted as Markdown, HTML or a table.
import { describe, expect, it } from "vitest";
import { DIFF_FORMATS, formatDiff, isDiffReport } from "../../../../src/cli/reporters/diff.js";
import { widthOf } from "../../../../src/cli/reporters/table.js";
import { LANGUAGES } from "../../../../src/core/words/language.js";
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
  const [row = ""] = formatDiff(report({ values }), { format: "markdown", language: "en" })
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
    { format: "table", language: "en" },
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
    { format: "table", language: "en" },
  );

  expect(text).toMatch(/^digest +a\.io\/b +1 \(a{12}\) +1 \(b{12}\) /m);
  expect(text).toMatch(/^platforms +a\.io\/b +linux\/amd64 +linux\/arm64 /m);
  expect(text).toMatch(/^added +a\.io\/b \(for the host\) +- +1 /m);
});

describe.each(LANGUAGES)("in %s", (language) => {
  it("fits a terminal of 80 columns, whatever names are in it", () => {
    const long = "registry.example.com/" + "very-long-name/".repeat(8) + "image";
    const version = { normalized: long, tag: "1.2.3-".repeat(10), digest: `sha256:${"a".repeat(64)}` };
    const side = { ...version, platforms: ["linux/amd64"], compressedBytes: 1e9 };
    const head = { release: "r".repeat(53), namespace: "n".repeat(63) };
    const chart = { name: "c".repeat(60), version: "1.2.3-" + "x".repeat(40), appVersion: null };
    const text = formatDiff(
      report({
        settings: [{ setting: "apiVersions", old: Array.from({ length: 30 }, () => "apps/v1"), new: [] }],
        charts: [{ ...head, change: "version", old: chart, new: chart, subcharts: null }],
        values: [
          {
            ...head,
            files: [],
            keys: [{ change: "changed", path: "a.".repeat(90), old: "x".repeat(90), new: 1 }],
            compared: "all",
          },
        ],
        images: [
          {
            change: "digest",
            repository: long,
            host: true,
            old: side,
            new: side,
            layers: { added: 1, removed: 1, kept: 1 },
            newBytes: 123_456_789,
          },
        ],
        files: [{ change: "changed", path: "bin/".repeat(40) }],
      }),
      { format: "table", language, width: 80 },
    );

    expect(text.split("\n").filter((line) => widthOf(line) > 80)).toEqual([]);
  });

  it("is recognized as a report in every format", () => {
    for (const format of DIFF_FORMATS) {
      expect(isDiffReport(formatDiff(report({}), { format, language, width: 80 }))).toBe(true);
    }
    expect(isDiffReport("# notes of somebody")).toBe(false);
  });
});
