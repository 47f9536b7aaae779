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
import { DIFF_WORDS } from "../../core/words/diff.js";
import { LANGUAGES, type Language } from "../../core/words/language.js";
import { phrasesOf, type Phrase } from "../../core/words/phrase.js";
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

export interface DiffFormatOptions {
  /** English when absent. */
  readonly language?: Language;
  /** Columns of the terminal. Undefined for a table of any width. */
  readonly width?: number | undefined;
}

type Words = Phrase<typeof DIFF_WORDS>;

/** Formats the report. JSON output is the report itself. */
export function formatDiff(
  report: BundleDiff,
  format: DiffFormat,
  { language = "en", width }: DiffFormatOptions = {},
): string {
  const words = phrasesOf(DIFF_WORDS, language);
  switch (format) {
    case "json":
      return JSON.stringify(report, null, 1);
    case "table":
      return [
        title(report, words),
        ...shown(report, words).map((one) => asTable(one, width)),
        ...foot(report, words),
      ].join("\n\n");
    case "markdown":
      return [
        `# ${escape(title(report, words))}`,
        ...shown(report, words).map(asMarkdown),
        ...foot(report, words),
      ].join("\n\n");
  }
}

/** The start of a report in each format. */
const HEADS: readonly RegExp[] = [
  ...LANGUAGES.map((language) => {
    const text = phrasesOf(DIFF_WORDS, language)("title", { old: "\n", new: "" });
    return new RegExp(`^(?:# )?${text.slice(0, text.indexOf("\n"))}`);
  }),
  /^\{\s*"formatVersion": 1,\s*"different": /,
];

/** True if a file that starts like this is a report of `diff`, in any format. */
export function isDiffReport(head: string): boolean {
  return HEADS.some((pattern) => pattern.test(head));
}

function title({ old, new: next }: BundleDiff, words: Words): string {
  return words("title", {
    old: `${old.name} ${old.version}`,
    new: `${next.name} ${next.version}`,
  });
}

function shown(report: BundleDiff, words: Words): readonly Section[] {
  return [
    sides(report, words),
    settings(report, words),
    charts(report, words),
    values(report, words),
    images(report, words),
    files(report, words),
    content(report, words),
  ].filter(({ rows }) => rows.length > 0);
}

function foot({ different, new: next, differential }: BundleDiff, words: Words): readonly string[] {
  const { blobs, blobBytes, size } = differential;
  return [
    ...(different ? [] : [words("noDifference")]),
    words("differential", {
      count: blobs,
      bytes: formatBytes(blobBytes),
      size: formatBytes(size),
      whole: formatBytes(next.size),
    }),
  ];
}

function sides({ old, new: next }: BundleDiff, words: Words): Section {
  return {
    title: words("compared"),
    columns: [
      ...columns("", words("from")),
      ...numbers(words("imageCount"), words("layerCount"), words("blobBytes"), words("fileSize")),
    ],
    rows: (
      [
        [words("oldSide"), old],
        [words("newSide"), next],
      ] as const
    ).map(([name, side]) => [
      name,
      words(side.kind),
      String(side.images),
      String(side.layers),
      formatBytes(side.blobBytes),
      formatBytes(side.size),
    ]),
  };
}

function settings({ settings: changes }: BundleDiff, words: Words): Section {
  const text = (list: readonly string[]): string => (list.length === 0 ? "-" : list.join(", "));
  return {
    title: words("settings"),
    columns: columns(words("setting"), words("old"), words("new")),
    rows: changes.map((one) => [words(`setting.${one.setting}`), text(one.old), text(one.new)]),
  };
}

function charts({ charts: changes }: BundleDiff, words: Words): Section {
  return {
    title: words("charts"),
    columns: columns(words("change"), words("release"), words("chart"), words("old"), words("new")),
    rows: changes.flatMap((change) => [chartRow(change, words), ...subchartRows(change, words)]),
  };
}

function chartRow(chart: ChartChange, words: Words): readonly string[] {
  const name = (chart.new ?? chart.old)?.name ?? "";
  const version = (one: ChartVersion | null): string => {
    if (one === null) return "-";
    return one.name === name ? one.version : `${one.name} ${one.version}`;
  };
  return [words(`change.${chart.change}`), releaseOf(chart), name, version(chart.old), version(chart.new)];
}

function subchartRows({ subcharts, ...chart }: ChartChange, words: Words): readonly (readonly string[])[] {
  const name = chart.new?.name ?? "";
  if (subcharts === null)
    return [[words("change.unknown"), releaseOf(chart), words("subcharts", { chart: name }), "?", "?"]];
  return subcharts.map((one) => [
    words(`change.${one.change}`),
    releaseOf(chart),
    `${name}/${one.path}`,
    one.old ?? "-",
    one.new ?? "-",
  ]);
}

function values({ values: changes }: BundleDiff, words: Words): Section {
  const rows = changes.flatMap((change) =>
    valueRows(change, words).map((row) => [row[0], releaseOf(change), ...row.slice(1)]),
  );
  const hasValues = rows.some(([, , , ...cells]) => cells.some((cell) => cell !== ""));
  return {
    title: words("values"),
    columns: columns(
      words("change"),
      words("release"),
      words("keyOrFile"),
      ...(hasValues ? [words("old"), words("new")] : []),
    ),
    rows: hasValues ? rows : rows.map((row) => row.slice(0, 3)),
  };
}

function valueRows(
  { keys, files: changes, compared }: ValuesChange,
  words: Words,
): readonly (readonly [string, ...string[]])[] {
  if (compared === "none") return [[words("change.unknown"), words("noValues"), "", ""]];
  if (keys.length > 0)
    return keys.map((one) => [
      words(`change.${one.change}`),
      one.path,
      shownValue(one, "old"),
      shownValue(one, "new"),
    ]);
  return changes.map(({ change, path }) => [
    words(`change.${change}`),
    words("sameValues", { path }),
    "",
    "",
  ]);
}

/** Long values are shortened; JSON has all of them. */
const VALUE_LENGTH = 40;

function shownValue(change: KeyChange, side: "old" | "new"): string {
  if (!(side in change)) return "";
  const text = JSON.stringify(change[side]);
  return text.length > VALUE_LENGTH ? `${text.slice(0, VALUE_LENGTH - 1)}…` : text;
}

function images({ images: changes }: BundleDiff, words: Words): Section {
  return {
    title: words("images"),
    columns: [
      ...columns(words("change")),
      { heading: words("image"), shorten: "start", least: 20 },
      ...columns(words("old"), words("new")),
      ...numbers(words("newBytes")),
    ],
    rows: changes.map((image) => [
      words(`change.${image.change}`),
      image.host ? words("forHost", { image: image.repository }) : image.repository,
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

function files({ files: changes }: BundleDiff, words: Words): Section {
  return {
    title: words("files"),
    columns: columns(words("change"), words("file")),
    rows: changes.map(({ change, path }) => [words(`change.${change}`), path]),
  };
}

function content({ layers, blobs }: BundleDiff, words: Words): Section {
  const amount = ({ count, bytes }: Content): string => `${count} (${formatBytes(bytes)})`;
  const row = (name: string, { added, removed, kept }: ContentChange): readonly string[] => [
    name,
    amount(added),
    amount(removed),
    amount(kept),
  ];
  return {
    title: words("content"),
    columns: [...columns(""), ...numbers(words("added"), words("removed"), words("kept"))],
    rows: [row(words("layers"), layers), row(words("blobs"), blobs)],
  };
}

function releaseOf({ namespace, release }: Pick<ChartChange, "namespace" | "release">): string {
  return `${namespace}/${release}`;
}

function columns(...headings: readonly string[]): readonly Column[] {
  return headings.map((heading) => ({ heading, shorten: "end" }));
}

function numbers(...headings: readonly string[]): readonly Column[] {
  return headings.map((heading) => ({ heading, align: "right" }));
}

function asTable({ title: heading, columns: all, rows }: Section, width: number | undefined): string {
  return `${heading}\n${formatTable(all, rows, { width })}`;
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
