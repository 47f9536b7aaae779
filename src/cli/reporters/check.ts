// What a cluster runs beside what a bundle has, for people.
import type { CheckReport } from "../../core/check/check-running.js";
import { formatBytes } from "../units.js";
import { formatTable } from "./table.js";

/** Writes what is missing with its likely cause, what has other content, what nothing runs, and the verdict last. */
export function formatCheck(report: CheckReport): string {
  const { name, version, present, missing, unused, ofCluster, otherContent } = report;
  const lines: string[] = [];
  for (const { normalized, usedBy, cause } of missing) {
    lines.push(`✗ ${normalized} is not in the bundle`);
    if (usedBy.length > 0) lines.push(`    runs in  ${usedBy.join(", ")}`);
    lines.push(`    likely   ${cause.message}`);
  }
  for (const { normalized, running, bundled } of otherContent) {
    lines.push(
      `! ${normalized}: the cluster runs ${running}, the bundle has ${bundled}: the tag has moved, or it is another platform`,
    );
  }
  if (lines.length > 0) lines.push("");
  if (unused.length > 0) {
    lines.push(
      `${unused.length} ${unused.length === 1 ? "image" : "images"} of the bundle that nothing runs:`,
      "",
    );
    lines.push(
      formatTable(
        [{ heading: "IMAGE" }, { heading: "COMPRESSED", align: "right" }, { heading: "" }],
        unused.map(({ normalized, compressedBytes, note }) => [
          normalized,
          formatBytes(compressedBytes),
          note,
        ]),
      ),
      "",
    );
  }
  if (ofCluster.length > 0) {
    lines.push(`${ofCluster.length} images are the cluster's own and were not looked for`, "");
  }
  const all = present.length + missing.length;
  lines.push(
    missing.length === 0
      ? `${name} ${version} has all ${all} images that the cluster runs`
      : `${name} ${version} lacks ${missing.length} of the ${all} images that the cluster runs`,
  );
  return lines.join("\n");
}
