// Formats the audit as Markdown.
import { arrangeAudit, type ArrangedRow } from "../../../core/audit/arrange.js";
import type { AuditFinding, AuditReport } from "../../../core/audit/report.js";
import { groupBy } from "../../../core/group-by.js";
import { AUDIT_WORDS } from "../../../core/words/audit.js";
import { phrasesOf } from "../../../core/words/phrase.js";
import { formatBytes } from "../../units.js";
import { escapeMarkdown } from "../sections.js";
import {
  describeWorkloads,
  separated,
  sizeOf,
  suppression,
  totalLines,
  unpackedOf,
  type AuditReportOptions,
  type AuditWords,
} from "./cells.js";
import { outdatedMarkdown } from "./outdated.js";

/** One row for a component, like a table that a person would keep. */
export function auditMarkdown(report: AuditReport, options: AuditReportOptions): string {
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

function componentCells(rows: readonly ArrangedRow[], words: AuditWords): readonly string[] {
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

function chartOf(row: ArrangedRow | undefined): string {
  const chart = row?.component.chart ?? null;
  return chart === null
    ? ""
    : `${chart.name}-${chart.version}${chart.appVersion === null ? "" : ` (${chart.appVersion})`}`;
}

function markdownFindings(findings: readonly AuditFinding[], words: AuditWords): readonly string[] {
  if (findings.length === 0) return [];
  const byRule = groupBy(findings, ({ rule, severity }) => `${severity} ${rule}`);
  return ["", `## ${words("findings")}`, ...[...byRule.values()].flatMap((ones) => ruleSection(ones, words))];
}

const FINDING_PARTS: readonly ((finding: AuditFinding) => string)[] = [
  ({ why }) => why,
  ({ action }) => action,
];

/** Texts that all findings of a rule share are written once. */
function ruleSection(findings: readonly AuditFinding[], words: AuditWords): readonly string[] {
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

function asSentence(text: string): string {
  return /[.!?\u3002]$/.test(text) ? text : `${text}.`;
}
