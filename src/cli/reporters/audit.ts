// Formats the audit as a table, a list of references, JSON, Markdown or CSV.
import {
  arrangeAudit,
  type ArrangedGroup,
  type ArrangedRow,
  type Arrangement,
} from "../../core/audit/arrange.js";
import type { AuditFinding, AuditReport, AuditWorkload, Severity } from "../../core/audit/report.js";
import { groupBy } from "../../core/group-by.js";
import { isNormalized } from "../../core/images/reference.js";
import { AUDIT_WORDS } from "../../core/words/audit.js";
import { LANGUAGES, type Language } from "../../core/words/language.js";
import { phrasesOf, type Phrase } from "../../core/words/phrase.js";
import { formatBytes } from "../units.js";
import { outdatedFields, outdatedMarkdown, outdatedTables } from "./outdated.js";
import { escapeMarkdown, fold } from "./sections.js";
import { layOut, type Column } from "./table.js";

/** Formats of `formatAudit`. */
const OWN_FORMATS = ["table", "list", "markdown", "csv", "json"] as const;
/** `sarif`, `html`, `cyclonedx` and `spdx` are formatted in files of their own. */
export const AUDIT_FORMATS = [...OWN_FORMATS, "sarif", "html", "cyclonedx", "spdx"] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

export interface AuditFormatOptions extends Arrangement {
  readonly format: (typeof OWN_FORMATS)[number];
  readonly language: Language;
  /** The date that ages count from, such as `2026-11-27`. */
  readonly today: string;
  /** Columns of the terminal. Undefined for a table of any width. */
  readonly width?: number | undefined;
}

/** Formats the report. JSON output is the report itself. */
export function formatAudit(report: AuditReport, options: AuditFormatOptions): string {
  switch (options.format) {
    case "json":
      return JSON.stringify(report, null, 1);
    case "list":
      return auditList(report, options);
    case "table":
      return auditTable(report, options);
    case "markdown":
      return auditMarkdown(report, options);
    case "csv":
      return auditCsv(report, options);
  }
}

type Words = Phrase<typeof AUDIT_WORDS>;

/** The start of a report in each format. `bundle.json` has other fields after its version. */
const HEADS: readonly RegExp[] = [
  /^COMPONENT +IMAGE /,
  /^\{\s*"formatVersion": [12],\s*"name": "[^\n]*",\s*"version": "[^\n]*",\s*"platforms": \[/,
  /^# [^\n]*\n\n\| component \| image \|/,
  /^"component","image","version",/,
  /^"component","release","namespace",/,
  /^\{\s*"\$schema": "[^"\n]*sarif[^"\n]*",\s*"version": "2\.1\.0",[^]{1,200}"name": "viola-airgap"/,
  /^<!doctype html>\n<html lang="\w+">\n<head>\n<meta charset="utf-8">\n<meta name="generator" content="viola-airgap audit">/,
  /^\{\s*"\$schema": "[^"\n]*bom-1\.6[^"\n]*",[^]{1,600}"name": "viola-airgap"/,
  /^\{\s*"spdxVersion": "SPDX-2\.3",[^]{1,1200}"Tool: viola-airgap-/,
  ...LANGUAGES.flatMap((language) => {
    const words = phrasesOf(AUDIT_WORDS, language);
    return [
      new RegExp(`^(?:\\S+ +)?${heading(words("component"))} +${heading(words("object"))} `),
      new RegExp(
        `^# [^\\n]*\\n\\n\\| (?:[^|\\n]+ \\| )?${words("component")} \\| ${words("kubernetesObject")} \\|`,
      ),
    ];
  }),
];

/** True if a file that starts like this is a report of an audit, in any format. */
export function isAuditReport(head: string): boolean {
  // The last line may be cut.
  const lines = head.split("\n").slice(0, -1);
  const isList = lines.length > 0 && lines.every((line) => line !== "" && isNormalized(line));
  return isList || HEADS.some((pattern) => pattern.test(head));
}

/** Required and optional images alike, each once. */
function auditList(report: AuditReport, options: AuditFormatOptions): string {
  const rows = arrangeAudit(report, options).flatMap((group) => group.rows);
  const names = options.sort === "component" ? report.images : rows.map(({ image }) => image);
  return [...new Set(names.map(({ normalized }) => normalized))].join("\n");
}

function auditTable(report: AuditReport, options: AuditFormatOptions): string {
  const { group, language, width } = options;
  const words = phrasesOf(AUDIT_WORDS, language);
  const isGrouped = group !== "component";
  const columns: readonly Column[] = [
    ...(isGrouped ? [{ heading: heading(words(group)), shorten: "end", least: 10 } as const] : []),
    { heading: heading(words("component")), shorten: "end", least: 14 },
    { heading: heading(words("object")), shorten: "end", least: 11, leaveOut: 1 },
    { heading: heading(words("image")), shorten: "start", least: 28 },
    { heading: heading(words("version")), shorten: "end", least: 8 },
    { heading: heading(words("purpose")), shorten: "end", least: 24, leaveOut: 5 },
    { heading: heading(words("size")), align: "right" },
    { heading: heading(words("unpacked")), align: "right", leaveOut: 2 },
    { heading: heading(words("unique")), align: "right", leaveOut: 4 },
    { heading: heading(words("age")), align: "right", leaveOut: 3 },
    { heading: heading(words("platforms")), shorten: "end", least: 11, leaveOut: 7 },
    { heading: heading(words("chart")), shorten: "end", least: 12, leaveOut: 6 },
  ];
  const rows = arrangeAudit(report, options).flatMap((one) => tableRows(one, isGrouped, options, words));
  const { text, leftOut } = layOut(columns, rows, { width });
  return [
    text,
    "",
    ...totalLines(report, words).flatMap((line) => fold(line, width)),
    ...(leftOut.length === 0 ? [] : fold(words("leftOut", { columns: leftOut.join(", ") }), width)),
    ...findingLines(report.findings, width, words),
    ...separated(report.outdated && outdatedTables(report.outdated, options)),
  ].join("\n");
}

/** The group and the component are written only in the first of their rows. */
function tableRows(
  group: ArrangedGroup,
  isGrouped: boolean,
  { today }: AuditFormatOptions,
  words: Words,
): readonly (readonly string[])[] {
  const rows = group.rows.map((row, index) => {
    const { component, image, purpose, workloads } = row;
    const previous = group.rows[index - 1];
    const isFirst = previous?.component !== component;
    return [
      ...(isGrouped ? [index === 0 ? group.name || words("none") : ""] : []),
      isFirst ? component.name : "",
      describeWorkloads(workloads),
      image.repository,
      image.version,
      purpose ?? "",
      sizeOf(row, words),
      unpackedOf(row, words),
      isResolved(row) ? formatBytes(image.uniqueBytes) : words("unknown"),
      image.created === null ? "" : formatAge(image.created, today, words),
      image.platforms.map(({ platform }) => platform).join(" "),
      component.chart === null ? "" : `${component.chart.name}-${component.chart.version}`,
    ];
  });
  const images = new Set(group.rows.map(({ image }) => image.normalized)).size;
  if (images < 2) return rows;
  const total = [
    ...(isGrouped ? [words("total", { name: group.name || words("none") })] : []),
    isGrouped ? "" : words("total", { name: group.name }),
    "",
    words("images", { count: images }),
    "",
    "",
    formatBytes(group.compressedBytes),
    group.uncompressedBytes === null ? words("unknown") : formatBytes(group.uncompressedBytes),
    "",
    "",
    "",
    "",
  ];
  return [...rows, total];
}

/** One row for a component, like a table that a person would keep. */
function auditMarkdown(report: AuditReport, options: AuditFormatOptions): string {
  const { group, language } = options;
  const words = phrasesOf(AUDIT_WORDS, language);
  const isGrouped = group !== "component";
  const columns = [
    ...(isGrouped ? [words(group)] : []),
    words("component"),
    words("kubernetesObject"),
    words("image"),
    words("version"),
    words("purpose"),
    words("size"),
    words("unpacked"),
    words("created"),
    ...(group === "chart" ? [] : [words("chart")]),
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const right = [words("size"), words("unpacked")];
  const groups = arrangeAudit(report, options);
  const rows = groups.flatMap((one) => {
    const ofComponents = [...groupBy(one.rows, ({ component }) => component).values()];
    const images = new Set(one.rows.map(({ image }) => image.normalized)).size;
    const filled = ofComponents.map((members, index) => [
      ...(isGrouped ? [index === 0 ? escapeMarkdown(one.name || words("none")) : ""] : []),
      ...componentCells(members, words),
      ...(group === "chart" ? [] : [escapeMarkdown(chartOf(members[0]))]),
    ]);
    if (!isGrouped || images < 2) return filled;
    const total = [
      `**${escapeMarkdown(words("total", { name: one.name || words("none") }))}**`,
      "",
      "",
      words("images", { count: images }),
      "",
      "",
      formatBytes(one.compressedBytes),
      one.uncompressedBytes === null ? words("unknown") : formatBytes(one.uncompressedBytes),
      "",
      ...(group === "chart" ? [] : [""]),
    ];
    return [...filled, total];
  });
  return [
    `# ${escapeMarkdown(`${report.name} ${report.version}`)}`,
    "",
    line(columns),
    line(columns.map((column) => (right.includes(column) ? "---:" : "---"))),
    ...rows.map(line),
    "",
    ...totalLines(report, words),
    ...markdownFindings(report.findings, words),
    ...separated(report.outdated && outdatedMarkdown(report.outdated, language)),
  ].join("\n");
}

/** Returns the blocks with an empty line before each. */
function separated(blocks: readonly string[] = []): readonly string[] {
  return blocks.flatMap((block) => ["", block]);
}

function componentCells(rows: readonly ArrangedRow[], words: Words): readonly string[] {
  const [first] = rows;
  const each = (text: (row: ArrangedRow) => string): string =>
    rows.map((row) => escapeMarkdown(text(row))).join("<br>");
  return [
    escapeMarkdown(first?.component.name ?? ""),
    escapeMarkdown(describeWorkloads(first?.component.workloads ?? [])),
    each(({ image }) => image.repository),
    each(({ image }) => image.version),
    each(({ purpose }) => purpose ?? ""),
    each((row) => sizeOf(row, words)),
    each((row) => unpackedOf(row, words)),
    each(({ image }) => image.created?.slice(0, 10) ?? ""),
  ];
}

function markdownFindings(findings: readonly AuditFinding[], words: Words): readonly string[] {
  if (findings.length === 0) return [];
  const byRule = groupBy(findings, ({ rule, severity }) => `${severity} ${rule}`);
  return ["", `## ${words("findings")}`, ...[...byRule.values()].flatMap((ones) => ruleSection(ones, words))];
}

const FINDING_PARTS: readonly ((finding: AuditFinding) => string)[] = [
  ({ why }) => why,
  ({ action }) => action,
];

/** Texts that all findings of a rule share are written once. */
function ruleSection(findings: readonly AuditFinding[], words: Words): readonly string[] {
  const [first] = findings;
  if (first === undefined) return [];
  const shared = FINDING_PARTS.filter((textOf) => findings.every((one) => textOf(one) === textOf(first)));
  const introduction = sentences(shared.map((textOf) => textOf(first)));
  return [
    "",
    `### ${escapeMarkdown(first.rule)} (${words(first.severity)})`,
    ...(introduction === "" ? [] : ["", introduction]),
    "",
    ...findings.map((finding) => {
      const { subject, message, why, action } = finding;
      const own = [why, action].filter((text) => !shared.some((textOf) => textOf(finding) === text));
      return `- ${escapeMarkdown(subject)}: ${sentences([message, ...own])}${escapeMarkdown(suppression(finding, words))}`;
    }),
  ];
}

function sentences(texts: readonly string[]): string {
  return escapeMarkdown(
    texts
      .filter((text) => text !== "")
      .map(asSentence)
      .join(" "),
  );
}

function auditCsv(report: AuditReport, options: AuditFormatOptions): string {
  // RFC 4180. A cell that begins with =, +, - or @ is escaped, because spreadsheets treat it as a
  // formula.
  const cell = (value: string): string => `"${value.replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const rows = arrangeAudit(report, options).flatMap((group) =>
    group.rows.map((row) => csvFields(row, report)),
  );
  const headings = Object.keys(csvFields(undefined, report));
  return [headings, ...rows.map((row) => Object.values(row))]
    .map((cells) => cells.map(cell).join(","))
    .join("\r\n");
}

/** The names are part of the format, so they are the same in every language. */
function csvFields(
  row: ArrangedRow | undefined,
  { outdated }: AuditReport,
): Readonly<Record<string, string>> {
  const { component, image, purpose, workloads = [] } = row ?? {};
  const isKnown = row !== undefined && isResolved(row);
  const list = (texts: readonly (string | null)[]): string =>
    [...new Set(texts.filter((text) => text !== null && text !== ""))].join("; ");
  return {
    component: component?.name ?? "",
    release: component?.release ?? "",
    namespace: component?.namespace ?? "",
    objects: list(workloads.map(formatWorkload)),
    kinds: list(workloads.map(({ kind }) => kind)),
    resources: list(workloads.map(({ resource }) => resource)),
    registry: image?.registry ?? "",
    image: image?.repository ?? "",
    version: image?.version ?? "",
    digest: image?.digest ?? "",
    purpose: purpose ?? "",
    platforms: list(image?.platforms.map(({ platform }) => platform) ?? []),
    compressed_bytes: isKnown ? String(image?.compressedBytes) : "",
    unpacked_bytes: image?.uncompressedBytes == null ? "" : String(image.uncompressedBytes),
    unique_bytes: isKnown ? String(image?.uniqueBytes) : "",
    shared_bytes: isKnown ? String(image?.sharedBytes) : "",
    layers: isKnown ? String(new Set(image?.platforms.flatMap(({ layers }) => layers)).size) : "",
    created: image?.created ?? "",
    user: image?.user ?? "",
    base: list([image?.base?.name ?? null, image?.base?.digest ?? null]),
    chart: component?.chart?.name ?? "",
    chart_version: component?.chart?.version ?? "",
    app_version: component?.chart?.appVersion ?? "",
    required: image === undefined ? "" : String(image.required),
    ...(outdated && outdatedFields(outdated, image?.normalized)),
  };
}

/** Returns the kinds, each with the resources that it runs for: `StatefulSet (Prometheus)`. */
function describeWorkloads(workloads: readonly AuditWorkload[]): string {
  const kinds = workloads.map(({ kind, resource }) =>
    resource === null ? kind : `${kind} (${resource.split(" ")[0] ?? ""})`,
  );
  return [...new Set(kinds)].join(", ");
}

function formatWorkload({ kind, namespace, name }: AuditWorkload): string {
  return `${kind} ${namespace === null ? "" : `${namespace}/`}${name}`;
}

function chartOf(row: ArrangedRow | undefined): string {
  const chart = row?.component.chart ?? null;
  return chart === null
    ? ""
    : `${chart.name}-${chart.version}${chart.appVersion === null ? "" : ` (${chart.appVersion})`}`;
}

function isResolved({ image }: ArrangedRow): boolean {
  return image.platforms.length > 0;
}

function sizeOf(row: ArrangedRow, words: Words): string {
  return isResolved(row) ? formatBytes(row.image.compressedBytes) : words("unknown");
}

function unpackedOf({ image: { uncompressedBytes } }: ArrangedRow, words: Words): string {
  return uncompressedBytes === null ? words("unknown") : formatBytes(uncompressedBytes);
}

const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS_PER_MONTH = 30.44;
const DAYS_PER_YEAR = 365.25;

/** Days for two months, then months for two years. A date in the future has no age. */
function formatAge(created: string, today: string, words: Words): string {
  const days = Math.floor((Date.parse(today) - Date.parse(created.slice(0, 10))) / DAY_MS);
  if (!(days >= 0)) return "";
  if (days < 2 * DAYS_PER_MONTH) return words("days", { count: days });
  if (days < 2 * DAYS_PER_YEAR) return words("months", { count: Math.floor(days / DAYS_PER_MONTH) });
  return words("years", { count: Math.floor(days / DAYS_PER_YEAR) });
}

function totalLines({ images, totals }: AuditReport, words: Words): readonly string[] {
  const { layers, uniqueBytes, sharedBytes, uncompressedBytes } = totals;
  const sharing = sharedBytes === 0 ? "" : ` (${words("sharing", { size: formatBytes(sharedBytes) })})`;
  const unresolved = images.filter(({ platforms }) => platforms.length === 0).length;
  return [
    [
      words("images", { count: images.length }),
      words("layers", { count: layers }),
      `${words("compressedTotal", { size: formatBytes(uniqueBytes) })}${sharing}`,
      uncompressedBytes === null
        ? words("unpackedUnknown")
        : words("unpackedTotal", { size: formatBytes(uncompressedBytes) }),
    ].join(", "),
    ...(unresolved === 0 ? [] : [words("unresolved", { count: unresolved })]),
  ];
}

const MARKS: Readonly<Record<Severity, string>> = { error: "✗", warning: "!", note: "-" };

/** Each finding has one line, or several in a terminal, where notes are only counted. */
function findingLines(
  findings: readonly AuditFinding[],
  width: number | undefined,
  words: Words,
): readonly string[] {
  if (findings.length === 0) return [];
  const isShort = (one: AuditFinding): boolean => width !== undefined && one.severity === "note";
  const lines = findings
    .filter((one) => !isShort(one))
    .flatMap((finding) => {
      const { rule, severity, subject, message } = finding;
      const text = `${MARKS[severity]} ${rule}  ${subject}: ${message}${suppression(finding, words)}`;
      return fold(text, width);
    });
  const notes = findings.filter(isShort);
  if (notes.length === 0) return ["", ...lines];
  const counts = [...groupBy(notes, ({ rule }) => rule)].map(([rule, ones]) => `${rule} ${ones.length}`);
  return [
    "",
    ...lines,
    ...fold(`${words("moreNotes", { count: notes.length })} ${counts.join(", ")}`, width),
  ];
}

function suppression({ suppressed }: AuditFinding, words: Words): string {
  if (suppressed === undefined) return "";
  const { reason, until } = suppressed;
  return ` (${until === undefined ? words("suppressed", { reason }) : words("suppressedUntil", { until, reason })})`;
}

function asSentence(text: string): string {
  return /[.!?。]$/.test(text) ? text : `${text}.`;
}

function heading(word: string): string {
  return word.toUpperCase();
}
