// Formats the comparison of a running cluster with a bundle.
import { countOf } from "../../core/count-of.js";
import type { CheckReport } from "../../core/check/check-running.js";
import { formatBytes } from "../units.js";
import { formatTable } from "./table.js";

/**
 * Lists missing images with their likely cause, images with a different digest, and unused images;
 * the summary is last.
 */
export function formatCheck(report: CheckReport, width?: number): string {
  const { name, version, present, missing, unused, ofCluster, otherContent } = report;
  const lines: string[] = [];
  for (const { normalized, usedBy, cause } of missing) {
    lines.push(`✗ ${normalized} is not in the bundle`);
    if (usedBy.length > 0) lines.push(`    used by  ${usedBy.join(", ")}`);
    lines.push(`    likely   ${cause.message}`);
  }
  for (const { normalized, running, bundled } of otherContent) {
    lines.push(
      `! ${normalized}: the cluster runs ${running}, the bundle has ${bundled}; the tag was moved, or the platform differs`,
    );
  }
  if (lines.length > 0) lines.push("");
  if (unused.length > 0) {
    lines.push(
      `${countOf(unused.length, "image of the bundle is", "images of the bundle are")} not in use:`,
      "",
    );
    lines.push(
      formatTable(
        [
          { heading: "IMAGE", shorten: "start", least: 24 },
          { heading: "COMPRESSED", align: "right" },
          { heading: "", shorten: "end" },
        ],
        unused.map(({ normalized, compressedBytes, note }) => [
          normalized,
          formatBytes(compressedBytes),
          note,
        ]),
        { width },
      ),
      "",
    );
  }
  if (ofCluster.length > 0) {
    lines.push(
      `${countOf(ofCluster.length, "image belongs", "images belong")} to the cluster itself and ${ofCluster.length === 1 ? "was" : "were"} not checked`,
      "",
    );
  }
  const all = present.length + missing.length;
  lines.push(
    missing.length === 0
      ? `${name} ${version} has every image that the cluster runs (${countOf(all, "image")})`
      : `${name} ${version} lacks ${missing.length} of the ${countOf(all, "image")} that the cluster runs`,
  );
  return lines.join("\n");
}
