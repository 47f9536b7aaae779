// Formats the audit as a table for a terminal.
import { arrangeAudit, type ArrangedGroup } from "../../../core/audit/arrange.js";
import type { AuditFinding, AuditReport, Severity } from "../../../core/audit/report.js";
import { groupBy } from "../../../core/group-by.js";
import { AUDIT_WORDS } from "../../../core/words/audit.js";
import { phrasesOf } from "../../../core/words/phrase.js";
import { formatBytes } from "../../units.js";
import { fold } from "../sections.js";
import { layOut, type Column } from "../table.js";
import {
  describeWorkloads,
  heading,
  isResolved,
  separated,
  sizeOf,
  suppression,
  totalLines,
  unpackedOf,
  type AuditReportOptions,
  type AuditWords,
} from "./cells.js";
import { outdatedTables } from "./outdated.js";

export function auditTable(report: AuditReport, options: AuditReportOptions): string {
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
  { today }: AuditReportOptions,
  words: AuditWords,
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

const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS_PER_MONTH = 30.44;
const DAYS_PER_YEAR = 365.25;

/** Days for two months, then months for two years. A date in the future has no age. */
function formatAge(created: string, today: string, words: AuditWords): string {
  const days = Math.floor((Date.parse(today) - Date.parse(created.slice(0, 10))) / DAY_MS);
  if (!(days >= 0)) return "";
  if (days < 2 * DAYS_PER_MONTH) return words("days", { count: days });
  if (days < 2 * DAYS_PER_YEAR) return words("months", { count: Math.floor(days / DAYS_PER_MONTH) });
  return words("years", { count: Math.floor(days / DAYS_PER_YEAR) });
}

const MARKS: Readonly<Record<Severity, string>> = { error: "✗", warning: "!", note: "-" };

/** Each finding has one line, or several in a terminal, where notes are only counted. */
function findingLines(
  findings: readonly AuditFinding[],
  width: number | undefined,
  words: AuditWords,
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
