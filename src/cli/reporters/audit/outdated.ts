// Formats the newer versions of an audit: sections of its table and Markdown, and columns of its CSV.
import { LEVELS, type Level, type Newer } from "../../../core/audit/newer-versions.js";
import type { NewerTag, NotChecked, Outdated } from "../../../core/audit/outdated.js";
import { formatRepository, parseReference } from "../../../core/images/reference.js";
import { OUTDATED_WORDS } from "../../../core/words/outdated.js";
import type { Language } from "../../../core/words/language.js";
import { phrasesOf, type Phrase } from "../../../core/words/phrase.js";
import { formatBytes } from "../../units.js";
import { escapeMarkdown, fold, sectionMarkdown, sectionTable, type Section } from "../sections.js";
import type { Column } from "../table.js";

type Words = Phrase<typeof OUTDATED_WORDS>;

/** Returns the blocks that follow the table of the audit. */
export function outdatedTables(
  outdated: Outdated,
  { language, width }: { readonly language: Language; readonly width?: number | undefined },
): readonly string[] {
  const words = phrasesOf(OUTDATED_WORDS, language);
  return [
    ...sections(outdated, words).map((section) => sectionTable(section, width)),
    fold(comparedLine(outdated, words), width).join("\n"),
  ];
}

/** Returns the blocks that follow the table of the audit. */
export function outdatedMarkdown(outdated: Outdated, language: Language): readonly string[] {
  const words = phrasesOf(OUTDATED_WORDS, language);
  return [...sections(outdated, words).map(sectionMarkdown), escapeMarkdown(comparedLine(outdated, words))];
}

/** Returns the fields of the CSV row of an image. They are empty when nothing is newer. */
export function outdatedFields(
  outdated: Outdated,
  normalized: string | undefined,
): Readonly<Record<`newer_${Level}`, string>> {
  const found = outdated.images.find((one) => one.normalized === normalized);
  const tag = (level: Level): string => found?.[level]?.tag ?? "";
  return { newer_patch: tag("patch"), newer_minor: tag("minor"), newer_major: tag("major") };
}

function sections({ images, charts, notChecked }: Outdated, words: Words): readonly Section[] {
  const versions: readonly Column[] = (["current", ...LEVELS] as const).map((key) => ({
    heading: words(key),
    shorten: "end",
  }));
  const all: readonly Section[] = [
    {
      title: words("newerImages"),
      columns: [{ heading: words("image"), shorten: "start", least: 20 }, ...versions],
      rows: images.map((image) => [
        formatRepository(parseReference(image.normalized)),
        image.current,
        ...cellsOf(image, newerTag),
      ]),
    },
    {
      title: words("newerCharts"),
      columns: [
        { heading: words("chart"), shorten: "end", least: 16 },
        { heading: words("release"), shorten: "end", leaveOut: 1 },
        ...versions,
      ],
      rows: charts.map((chart) => [
        chart.chart,
        `${chart.namespace}/${chart.release}`,
        chart.current,
        ...cellsOf(chart, ({ version }) => version),
      ]),
    },
    {
      title: words("notChecked"),
      columns: [
        { heading: words("subject"), shorten: "start", least: 20 },
        { heading: words("reason"), shorten: "end", least: 20 },
      ],
      rows: notChecked.map((one) => [one.subject, reasonOf(one, words)]),
    },
  ];
  return all.filter(({ rows }) => rows.length > 0);
}

function cellsOf<T>(newer: Newer<T>, format: (one: T) => string): readonly string[] {
  return LEVELS.map((level) => {
    const found = newer[level];
    return found === undefined ? "" : format(found);
  });
}

function newerTag({ tag, sizeChange }: NewerTag): string {
  if (sizeChange === null) return tag;
  return `${tag} (${sizeChange < 0 ? "-" : "+"}${formatBytes(Math.abs(sizeChange))})`;
}

function reasonOf({ code, reason }: NotChecked, words: Words): string {
  switch (code) {
    case "no-version":
      return words("noVersion");
    case "no-tag":
      return words("noTag");
    case "not-listed":
      return words("notListed");
    case "no-source":
      return words("noSource");
    case "unavailable":
      return reason;
  }
}

function comparedLine({ checked }: Outdated, words: Words): string {
  return words("compared", {
    images: words("images", { count: checked.images }),
    charts: words("charts", { count: checked.charts }),
  });
}
