// Formats the audit as CSV.
import { arrangeAudit, type ArrangedRow } from "../../../core/audit/arrange.js";
import type { AuditReport, AuditWorkload } from "../../../core/audit/report.js";
import { isResolved, type AuditReportOptions } from "./cells.js";
import { outdatedFields } from "./outdated.js";

export function auditCsv(report: AuditReport, options: AuditReportOptions): string {
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

function formatWorkload({ kind, namespace, name }: AuditWorkload): string {
  return `${kind} ${namespace === null ? "" : `${namespace}/`}${name}`;
}
