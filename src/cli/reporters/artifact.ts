// Formats what `push` and `pull` did with a bundle.
import { countOf } from "../../core/count-of.js";
import type { PullReport } from "../../workflows/pull/pull.js";
import type { PushReport } from "../../workflows/push/push.js";
import { formatBytes } from "../units.js";

export function formatPushedBundle(report: PushReport, host: string): string {
  const { repository, tag, digest, size, sentBytes, pieces } = report;
  return [
    `pushed oci://${host}/${repository}:${tag}`,
    `${digest}, ${formatBytes(size)} in ${countOf(pieces, "piece")}, ${formatBytes(sentBytes)} sent`,
  ].join("\n");
}

export function formatPulledBundle({ file, bundle, digest, fetchedBytes }: PullReport): string {
  const { name, version, size } = bundle;
  return [
    `wrote ${file}: ${name} ${version}, ${formatBytes(size)}, ${formatBytes(fetchedBytes)} fetched`,
    `bundle ${bundle.digest}, artifact ${digest}`,
  ].join("\n");
}
