// What a verification found, as text.
import { formatIdentity } from "../../core/bundle/base.js";
import { countOf } from "../../core/count-of.js";
import type { VerifyReport } from "../../workflows/verify/verify.js";
import { formatBytes } from "../units.js";

/** Formats the result, with every problem on its own line. */
export function formatVerify(report: VerifyReport): string {
  const summary = `${report.name} ${report.version}: ${countOf(report.images, "image")}, ${countOf(report.blobs, "blob")}, ${formatBytes(report.size)}`;
  const lines = [
    summary,
    `digest ${report.digest}`,
    ...(report.base === undefined ? [] : [`base ${formatIdentity(report.base)}`]),
  ];
  const { signature } = report;
  if (signature !== null) {
    const { keyId } = signature;
    lines.push(keyId === null ? "signed, but not verified: use --key FILE" : `signed with key ${keyId}`);
  }
  if (report.withheldValues.length > 0)
    lines.push(`built without the values of ${report.withheldValues.join(", ")}: install requires -f`);
  for (const { message } of report.problems) lines.push(`  ✗ ${message}`);
  for (const { message, hint } of report.warnings) lines.push(`  ! ${message}`, `    ${hint}`);
  const count = report.problems.length;
  lines.push(count === 0 ? "all checksums match, and nothing is missing" : countOf(count, "problem"));
  return lines.join("\n");
}
