// Formats the blobs that are kept between runs.
import { countOf } from "../../core/count-of.js";
import type { CachePruning, CacheReport, CacheVerification } from "../../workflows/cache/cache.js";
import { formatBytes } from "../units.js";
import { formatTable } from "./table.js";

/** Formats a table of the blobs, or what was removed, and the total size. */
export function formatCache(report: CacheReport | CacheVerification | CachePruning, width?: number): string {
  const { folder, limitBytes, size, blobs } = report;
  const total = `${countOf(blobs.length, "blob")}, ${formatBytes(size)} of ${formatBytes(limitBytes)}: ${folder}`;
  if ("damaged" in report) {
    const lines = report.damaged.map(({ digest }) => `${digest} was damaged and has been removed`);
    return [...lines, total].join("\n");
  }
  if ("removed" in report) {
    const bytes = report.removed.reduce((sum, blob) => sum + blob.size, 0);
    return `removed ${countOf(report.removed.length, "blob")}, ${formatBytes(bytes)}\n${total}`;
  }
  if (blobs.length === 0) return total;
  const rows = blobs.map((blob) => [
    blob.digest,
    formatBytes(blob.size),
    blob.usedAt.toISOString().slice(0, 10),
  ]);
  const columns = [
    { heading: "blob", shorten: "end" },
    { heading: "size", align: "right" },
    { heading: "last used" },
  ] as const;
  return `${formatTable(columns, rows, { width })}\n\n${total}`;
}
