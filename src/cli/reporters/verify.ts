// What a verification found, as text.
import type { VerifyReport } from "../../workflows/verify/verify.js";
import { formatBytes } from "../units.js";

/** Writes the verdict, and every problem on a line of its own. */
export function formatVerify(report: VerifyReport): string {
  const what = `${report.name} ${report.version}: ${report.images} images, ${report.blobs} blobs, ${formatBytes(report.size)}`;
  const lines = [what, `digest ${report.digest}`];
  for (const { message } of report.problems) lines.push(`  ✗ ${message}`);
  const count = report.problems.length;
  lines.push(
    count === 0
      ? "every checksum is right, and nothing is missing"
      : `${count} ${count === 1 ? "problem" : "problems"}`,
  );
  return lines.join("\n");
}
