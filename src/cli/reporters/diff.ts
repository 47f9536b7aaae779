// Formats the differences of two bundles as tables, Markdown or JSON.
import type {
  BundleDiff,
  ChartChange,
  ChartVersion,
  Content,
  ContentChange,
  ImageChange,
  ImageVersion,
  KeyChange,
  ValuesChange,
} from "../../core/diff/bundle-diff.js";
import { countOf } from "../../core/count-of.js";
import { hexOf } from "../../core/oci/digest.js";
import { formatBytes } from "../units.js";
import { formatTable, type Column } from "./table.js";

export const DIFF_FORMATS = ["table", "markdown", "json"] as const;
export type DiffFormat = (typeof DIFF_FORMATS)[number];

/** A heading, and the rows below it. A section without rows is not shown. */
interface Section {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

/** Formats the report. JSON output is the report itself. */
export function formatDiff(report: BundleDiff, format: DiffFormat): string {
  switch (format) {
    case "json":
      return JSON.stringify(report, null, 1);
    case "table":
      return [title(report), ...shown(report).map(asTable), ...foot(report)].join("\n\n");
    case "markdown":
      return [`# ${escape(title(report))}`, ...shown(report).map(asMarkdown), ...foot(report)].join("\n\n");
  }
}

/** The start of a report in each format. */
const HEADS: readonly RegExp[] = [
  /^(?:# )?Differences between /,
  /^\{\s*"formatVersion": 1,\s*"different": /,
];

/** True if a file that starts like this is a report of `diff`, in any format. */
export function isDiffReport(head: string): boolean {
  return HEADS.some((pattern) => pattern.test(head));
}

function title({ old, new: next }: BundleDiff): string {
  return `Differences between ${old.name} ${old.version} and ${next.name} ${next.version}`;
}

function shown(report: BundleDiff): readonly Section[] {
  return [
    sides(report),
    settings(report),
    charts(report),
    values(report),
    images(report),
    files(report),
    content(report),
  ].filter(({ rows }) => rows.length > 0);
}

function foot({ different, new: next, differential }: BundleDiff): readonly string[] {
  const { blobs, blobBytes, size } = differential;
  return [
    ...(different ? [] : ["No difference."]),
    `A differential bundle would have ${formatBytes(size)} of ${formatBytes(next.size)}:\n` +
      `${countOf(blobs, "blob")} of ${formatBytes(blobBytes)}, and everything besides blobs.`,
  ];
}

function sides({ old, new: next }: BundleDiff): Section {
  return {
    title: "Compared",
    columns: [...columns("", "FROM"), ...numbers("IMAGES", "LAYERS", "BLOBS", "FILE SIZE")],
    rows: Object.entries({ old, new: next }).map(([name, side]) => [
      name,
      side.kind,
      String(side.images),
      String(side.layers),
      formatBytes(side.blobBytes),
      formatBytes(side.size),
    ]),
  };
}

function settings({ settings: changes }: BundleDiff): Section {
  const text = (list: readonly string[]): string => (list.length === 0 ? "-" : list.join(", "));
  return {
    title: "Settings",
    columns: columns("SETTING", "OLD", "NEW"),
    rows: changes.map((one) => [one.setting, text(one.old), text(one.new)]),
  };
}

function charts({ charts: changes }: BundleDiff): Section {
  return {
    title: "Charts",
    columns: columns("CHANGE", "RELEASE", "CHART", "OLD", "NEW"),
    rows: changes.flatMap((change) => [chartRow(change), ...subchartRows(change)]),
  };
}

function chartRow(chart: ChartChange): readonly string[] {
  const name = (chart.new ?? chart.old)?.name ?? "";
  const version = (one: ChartVersion | null): string => {
    if (one === null) return "-";
    return one.name === name ? one.version : `${one.name} ${one.version}`;
  };
  return [chart.change, releaseOf(chart), name, version(chart.old), version(chart.new)];
}

function subchartRows({ subcharts, ...chart }: ChartChange): readonly (readonly string[])[] {
  const name = chart.new?.name ?? "";
  if (subcharts === null) return [["unknown", releaseOf(chart), `subcharts of ${name}`, "?", "?"]];
  return subcharts.map((one) => [
    one.change,
    releaseOf(chart),
    `${name}/${one.path}`,
    one.old ?? "-",
    one.new ?? "-",
  ]);
}

function values({ values: changes }: BundleDiff): Section {
  const rows = changes.flatMap((change) =>
    valueRows(change).map((row) => [row[0], releaseOf(change), ...row.slice(1)]),
  );
  const hasValues = rows.some(([, , , ...cells]) => cells.some((cell) => cell !== ""));
  return {
    title: "Values",
    columns: columns("CHANGE", "RELEASE", "KEY OR FILE", ...(hasValues ? ["OLD", "NEW"] : [])),
    rows: hasValues ? rows : rows.map((row) => row.slice(0, 3)),
  };
}

function valueRows({
  keys,
  files: changes,
  compared,
}: ValuesChange): readonly (readonly [string, ...string[]])[] {
  if (compared === "none") return [["unknown", "the values of a bundle are missing or unreadable", "", ""]];
  if (keys.length > 0)
    return keys.map((one) => [one.change, one.path, shownValue(one, "old"), shownValue(one, "new")]);
  return changes.map(({ change, path }) => [change, `${path} (no value differs)`, "", ""]);
}

/** Long values are shortened; JSON has all of them. */
const VALUE_LENGTH = 40;

function shownValue(change: KeyChange, side: "old" | "new"): string {
  if (!(side in change)) return "";
  const text = JSON.stringify(change[side]);
  return text.length > VALUE_LENGTH ? `${text.slice(0, VALUE_LENGTH - 1)}…` : text;
}

function images({ images: changes }: BundleDiff): Section {
  return {
    title: "Images",
    columns: [...columns("CHANGE", "IMAGE", "OLD", "NEW"), ...numbers("NEW BYTES")],
    rows: changes.map((image) => [
      image.change,
      image.host ? `${image.repository} (for the host)` : image.repository,
      imageVersion(image, image.old),
      imageVersion(image, image.new),
      formatBytes(image.newBytes),
    ]),
  };
}

/** As many digits of a digest as docker shows. */
const DIGEST_LENGTH = 12;

function imageVersion({ change }: ImageChange, version: ImageVersion | null): string {
  if (version === null) return "-";
  if (change === "platforms") return version.platforms.join(" ");
  const digest = hexOf(version.digest).slice(0, DIGEST_LENGTH);
  if (change === "digest") return version.tag === null ? digest : `${version.tag} (${digest})`;
  return version.tag ?? digest;
}

function files({ files: changes }: BundleDiff): Section {
  return {
    title: "Other files",
    columns: columns("CHANGE", "FILE"),
    rows: changes.map(({ change, path }) => [change, path]),
  };
}

function content({ layers, blobs }: BundleDiff): Section {
  const amount = ({ count, bytes }: Content): string => `${count} (${formatBytes(bytes)})`;
  const row = (name: string, { added, removed, kept }: ContentChange): readonly string[] => [
    name,
    amount(added),
    amount(removed),
    amount(kept),
  ];
  return {
    title: "Content",
    columns: [...columns(""), ...numbers("ADDED", "REMOVED", "KEPT")],
    rows: [row("layers", layers), row("blobs", blobs)],
  };
}

function releaseOf({ namespace, release }: Pick<ChartChange, "namespace" | "release">): string {
  return `${namespace}/${release}`;
}

function columns(...headings: readonly string[]): readonly Column[] {
  return headings.map((heading) => ({ heading }));
}

function numbers(...headings: readonly string[]): readonly Column[] {
  return headings.map((heading) => ({ heading, align: "right" }));
}

function asTable({ title: heading, columns: all, rows }: Section): string {
  return `${heading}\n${formatTable(all, rows)}`;
}

function asMarkdown({ title: heading, columns: all, rows }: Section): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    `## ${heading}`,
    "",
    line(all.map((column) => column.heading.toLowerCase())),
    line(all.map(({ align }) => (align === "right" ? "---:" : "---"))),
    ...rows.map((cells) => line(cells.map(escape))),
  ].join("\n");
}

/** Names and values are text, and not Markdown or HTML. */
function escape(text: string): string {
  return text.replaceAll(/[\\`|<>*[\]]/g, "\\$&");
}
