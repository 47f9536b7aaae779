// Formats the result of a load into a registry.
import type { PushReport } from "../../workflows/load/registry.js";
import { formatBytes } from "../units.js";

export interface PushSummary {
  /** Where settings for the nodes were written. */
  readonly folder: string | undefined;
  /** True when the registry wants a login from those who pull. */
  readonly needsLogin: boolean;
}

export function formatPush(report: PushReport, { folder, needsLogin }: PushSummary): string {
  const lines = [
    `${report.bundle} is in ${report.registry}: ${report.images.length} images, ${report.names} names`,
    `  ${formatBytes(report.sentBytes)} sent; blobs: ${report.uploadedBlobs} sent, ${report.mountedBlobs} mounted from another repository, ${report.presentBlobs} there before`,
    ...report.images.slice(0, 1).map(({ repository, tags: [tag], digest }) => {
      return `  for example ${repository}${tag === undefined ? `@${digest}` : `:${tag}`}`;
    }),
  ];
  if (report.unresolved.length > 0) {
    lines.push("names that cannot be pulled from there:");
    for (const { name, reason } of report.unresolved) lines.push(`  ✗ ${name}: ${reason}`);
    lines.push(
      "  what to do: let the registry take such an index (docker-registry 3: validation.manifests.indexes.platforms: none), build the bundle",
      "  with every platform that the images have, pin tags instead of digests, or load the nodes directly.",
    );
  }
  if (needsLogin) {
    lines.push(
      "it wants a login for pulling, too: give the nodes one (imagePullSecrets, or auth in registries.yaml of k3s)",
    );
  }
  lines.push(
    folder === undefined
      ? "--settings FOLDER writes the settings with which nodes pull from there: containerd, k3s, podman, docker"
      : `settings with which nodes pull from there are in ${folder}; README.txt says where each goes`,
  );
  return lines.join("\n");
}
