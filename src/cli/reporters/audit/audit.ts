// Formats the audit as a table, a list of references, JSON, Markdown or CSV.
import { arrangeAudit } from "../../../core/audit/arrange.js";
import type { AuditReport } from "../../../core/audit/report.js";
import { isNormalized } from "../../../core/images/reference.js";
import { AUDIT_WORDS } from "../../../core/words/audit.js";
import { LANGUAGES } from "../../../core/words/language.js";
import { phrasesOf } from "../../../core/words/phrase.js";
import { heading, type AuditReportOptions } from "./cells.js";
import { auditCsv } from "./csv.js";
import { auditMarkdown } from "./markdown.js";
import { auditTable } from "./table.js";

/** Formats of `formatAudit`. */
const OWN_FORMATS = ["table", "list", "markdown", "csv", "json"] as const;
/** `sarif`, `html`, `cyclonedx` and `spdx` are formatted in files of their own. */
export const AUDIT_FORMATS = [...OWN_FORMATS, "sarif", "html", "cyclonedx", "spdx"] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

export interface AuditFormatOptions extends AuditReportOptions {
  readonly format: (typeof OWN_FORMATS)[number];
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
function auditList(report: AuditReport, options: AuditReportOptions): string {
  const rows = arrangeAudit(report, options).flatMap((group) => group.rows);
  const names = options.sort === "component" ? report.images : rows.map(({ image }) => image);
  return [...new Set(names.map(({ normalized }) => normalized))].join("\n");
}
