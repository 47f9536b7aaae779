// Formats the differences of two bundles as tables, Markdown or JSON.
import type {
  BundleDiff,
  ChartChange,
  ChartVersion,
  Content,
  ContentChange,
  DiffSide,
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
import { escapeMarkdown, fold, sectionMarkdown, sectionTable, type Section } from "./sections.js";
import { shorten, type Column } from "./table.js";

export const DIFF_FORMATS = ["table", "markdown", "json"] as const;
export type DiffFormat = (typeof DIFF_FORMATS)[number];

export interface DiffFormatOptions {
  readonly format: DiffFormat;
  readonly language: Language;
  /** Columns of the terminal. Undefined for a table of any width. */
  readonly width?: number | undefined;
}

type Words = Phrase<typeof DIFF_WORDS>;

/** Formats the report. JSON output is the report itself. */
export function formatDiff(report: BundleDiff, { format, language, width }: DiffFormatOptions): string {
  const words = phrasesOf(DIFF_WORDS, language);
  const sections = sectionsOf(report, words);
  const foot = footOf(report, words);
  switch (format) {
    case "json":
      return JSON.stringify(report, null, 1);
    case "table":
      return [
        fold(title(report, words), width).join("\n"),
        ...sections.map((section) => sectionTable(section, width)),
        ...foot.map((text) => fold(text, width).join("\n")),
      ].join("\n\n");
    case "markdown":
      return [
        `# ${escapeMarkdown(title(report, words))}`,
        ...sections.map(sectionMarkdown),
        ...foot.map(escapeMarkdown),
      ].join("\n\n");
  }
}

/** The start of a report in each format. */
const HEADS: readonly RegExp[] = [
  /^\{\s*"formatVersion": 1,\s*"different": /,
  ...LANGUAGES.map((language) => {
    const [start = ""] = DIFF_WORDS.title[language].split("{");
    return new RegExp(`^(?:# )?${start}`);
  }),
];

/** True if a file that starts like this is a report of `diff`, in any format. */
export function isDiffReport(head: string): boolean {
  return HEADS.some((pattern) => pattern.test(head));
}

function title({ old, new: next }: BundleDiff, words: Words): string {
  return words("title", { old: `${old.name} ${old.version}`, next: `${next.name} ${next.version}` });
}

/** Sections without rows are not shown. */
function sectionsOf(report: BundleDiff, words: Words): readonly Section[] {
  return [sides, settings, charts, values, images, files, content]
    .map((section) => section(report, words))
    .filter(({ rows }) => rows.length > 0);
}

function footOf({ different, new: next, differential }: BundleDiff, words: Words): readonly string[] {
  return [
    ...(different ? [] : [words("none")]),
    words("differential", {
      size: formatBytes(differential.size),
      whole: formatBytes(next.size),
      blobs: formatBytes(differential.blobBytes),
    }),
  ];
}

function sides({ old, new: next }: BundleDiff, words: Words): Section {
  const row = (name: string, side: DiffSide): readonly string[] => [
    name,
    words(side.kind),
    String(side.images),
    String(side.layers),
    formatBytes(side.blobBytes),
    formatBytes(side.size),
  ];
  return {
    title: words("compared"),
    columns: [
      ...textColumns("", words("from")),
      ...numberColumns(words("imageCount"), words("layerCount"), words("blobs"), words("fileSize")),
    ],
    rows: [row(words("old"), old), row(words("new"), next)],
  };
}

function settings({ settings: changes }: BundleDiff, words: Words): Section {
  const text = (list: readonly string[]): string => (list.length === 0 ? "-" : list.join(", "));
  return {
    title: words("settings"),
    columns: textColumns(words("setting"), words("old"), words("new")),
    rows: changes.map((one) => [one.setting, text(one.old), text(one.new)]),
  };
}

function charts({ charts: changes }: BundleDiff, words: Words): Section {
  return {
    title: words("charts"),
    columns: textColumns(words("change"), words("release"), words("chart"), words("old"), words("new")),
    rows: changes.flatMap((change) => [chartRow(change, words), ...subchartRows(change, words)]),
  };
}

function chartRow(chart: ChartChange, words: Words): readonly string[] {
  const name = (chart.new ?? chart.old)?.name ?? "";
  const version = (one: ChartVersion | null): string => {
    if (one === null) return "-";
    return one.name === name ? one.version : `${one.name} ${one.version}`;
  };
  const change = words(chart.change === "content" ? "contentChange" : chart.change);
  return [change, releaseOf(chart), name, version(chart.old), version(chart.new)];
}

function subchartRows({ subcharts, ...chart }: ChartChange, words: Words): readonly (readonly string[])[] {
  const name = chart.new?.name ?? "";
  if (subcharts === null) {
    return [[words("unknown"), releaseOf(chart), words("subcharts", { chart: name }), "?", "?"]];
  }
  return subcharts.map((one) => [
    words(one.change),
    releaseOf(chart),
    `${name}/${one.path}`,
    one.old ?? "-",
    one.new ?? "-",
  ]);
}

function values({ values: changes }: BundleDiff, words: Words): Section {
  const rows = changes.flatMap((change) =>
    valueRows(change, words).map(({ change: what, subject, old = "", next = "" }) => [
      what,
      releaseOf(change),
      subject,
      old,
      next,
    ]),
  );
  const columns = textColumns(
    ...[words("change"), words("release"), words("keyOrFile"), words("old"), words("new")],
  );
  const hasValues = rows.some((row) => row.slice(3).some((cell) => cell !== ""));
  return {
    title: words("values"),
    columns: hasValues ? columns : columns.slice(0, 3),
    rows: hasValues ? rows : rows.map((row) => row.slice(0, 3)),
  };
}

interface ValueRow {
  readonly change: string;
  readonly subject: string;
  readonly old?: string;
  readonly next?: string;
}

function valueRows({ keys, files: changes, compared }: ValuesChange, words: Words): readonly ValueRow[] {
  if (compared === "none") return [{ change: words("unknown"), subject: words("valuesUnknown") }];
  if (keys.length === 0) {
    return changes.map(({ change, path }) => ({
      change: words(change),
      subject: words("sameValues", { path }),
    }));
  }
  return keys.map((key) => ({
    change: words(key.change),
    subject: key.path,
    old: shownValue(key, "old"),
    next: shownValue(key, "new"),
  }));
}

/** Long values are shortened; JSON has all of them. */
const VALUE_LENGTH = 40;

function shownValue(change: KeyChange, side: "old" | "new"): string {
  if (!(side in change)) return "";
  return shorten(JSON.stringify(change[side]), VALUE_LENGTH, "end");
}

function images({ images: changes }: BundleDiff, words: Words): Section {
  return {
    title: words("images"),
    columns: [
      { heading: words("change") },
      { heading: words("image"), shorten: "start", least: 20 },
      ...textColumns(words("old"), words("new")),
      ...numberColumns(words("newBytes")),
    ],
    rows: changes.map((image) => [
      words(image.change),
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
    columns: textColumns(words("change"), words("file")),
    rows: changes.map(({ change, path }) => [words(change), path]),
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
    columns: [...textColumns(""), ...numberColumns(words("added"), words("removed"), words("kept"))],
    rows: [row(words("layerCount"), layers), row(words("blobs"), blobs)],
  };
}

function releaseOf({ namespace, release }: Pick<ChartChange, "namespace" | "release">): string {
  return `${namespace}/${release}`;
}

function textColumns(...headings: readonly string[]): readonly Column[] {
  return headings.map((heading) => ({ heading, shorten: "end" }));
}

function numberColumns(...headings: readonly string[]): readonly Column[] {
  return headings.map((heading) => ({ heading, align: "right" }));
}
