// Formats the audit as a table, JSON, Markdown or CSV.
import { countOf } from "../../core/count-of.js";
import type { AuditImage, AuditReport } from "../../core/audit/report.js";
import { formatBytes } from "../units.js";
import { formatTable, type Column } from "./table.js";

export const AUDIT_FORMATS = ["table", "json", "markdown", "csv", "sarif"] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

const COLUMNS: readonly Column[] = [
  { heading: "COMPONENT" },
  { heading: "IMAGE" },
  { heading: "VERSION" },
  { heading: "PLATFORMS" },
  { heading: "COMPRESSED", align: "right" },
  { heading: "UNPACKED", align: "right" },
  { heading: "USED BY" },
];

/** Formats the report. JSON output is the report itself. See `formatSarif` for SARIF. */
export function formatAudit(report: AuditReport, format: Exclude<AuditFormat, "sarif">): string {
  switch (format) {
    case "json":
      return JSON.stringify(report, null, 1);
    case "table":
      return auditTable(report);
    case "markdown":
      return auditMarkdown(report);
    case "csv":
      return auditCsv(report);
  }
}

/** The start of a report in each format. `bundle.json` has other fields after its version. */
const HEADS: readonly RegExp[] = [
  /^COMPONENT +IMAGE /,
  /^\{\s*"formatVersion": [12],\s*"name": "[^\n]*",\s*"version": "[^\n]*",\s*"platforms": \[/,
  /^# [^\n]*\n\n\| component \| image \|/,
  /^"component","image","version",/,
  /^\{\s*"\$schema": "[^"\n]*sarif[^"\n]*",\s*"version": "2\.1\.0",[^]{1,200}"name": "viola-airgap"/,
];

/** True if a file that starts like this is a report of an audit, in any format. */
export function isAuditReport(head: string): boolean {
  return HEADS.some((pattern) => pattern.test(head));
}

function auditTable(report: AuditReport): string {
  const lines = [formatTable(COLUMNS, report.images.map(row)), "", totals(report)];
  for (const { rule, subject, message } of report.findings) lines.push(`! ${rule}  ${subject}: ${message}`);
  return lines.join("\n");
}

function auditMarkdown(report: AuditReport): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = COLUMNS.map(({ align }) => (align === "right" ? "---:" : "---"));
  const lines = [
    `# ${report.name} ${report.version}`,
    "",
    line(COLUMNS.map(({ heading }) => heading.toLowerCase())),
    line(rule),
  ];
  lines.push(...report.images.map((image) => line(row(image))), "", totals(report));
  if (report.findings.length > 0)
    lines.push(
      "",
      ...report.findings.map((finding) => `- **${finding.rule}** ${finding.subject}: ${finding.message}`),
    );
  return lines.join("\n");
}

function auditCsv(report: AuditReport): string {
  // RFC 4180. A cell that begins with =, +, - or @ is escaped, because spreadsheets treat it as a
  // formula.
  const cell = (value: string): string => `"${value.replace(/^[=+\-@]/, "'$&").replaceAll('"', '""')}"`;
  const headings = [
    "component",
    "image",
    "version",
    "platforms",
    "compressed_bytes",
    "unpacked_bytes",
    "used_by",
    "digest",
    "required",
  ];
  const rows = report.images.map((image) => [
    image.components.join(" "),
    image.repository,
    image.version,
    platforms(image),
    String(image.compressedBytes),
    image.uncompressedBytes === null ? "" : String(image.uncompressedBytes),
    image.usedBy.join("; "),
    image.digest,
    String(image.required),
  ]);
  return [headings, ...rows].map((cells) => cells.map(cell).join(",")).join("\r\n");
}

function row(image: AuditImage): readonly string[] {
  return [
    image.components.join(", "),
    image.repository,
    image.version,
    platforms(image),
    formatBytes(image.compressedBytes),
    image.uncompressedBytes === null ? "unknown" : formatBytes(image.uncompressedBytes),
    image.usedBy.length > 2
      ? `${image.usedBy.slice(0, 2).join(", ")} and ${image.usedBy.length - 2} more`
      : image.usedBy.join(", "),
  ];
}

function platforms(image: AuditImage): string {
  return image.platforms.map(({ platform }) => platform).join(" ");
}

function totals({ totals: { images, layers, uniqueBytes, sharedBytes } }: AuditReport): string {
  const shared = sharedBytes === 0 ? "" : ` (sharing layers saves ${formatBytes(sharedBytes)})`;
  return `${countOf(images, "image")}, ${countOf(layers, "layer")}, ${formatBytes(uniqueBytes)}${shared}`;
}
