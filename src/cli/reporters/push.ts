// Formats the result of a push to a registry.
import { countOf } from "../../core/count-of.js";
import type { PushReport } from "../../workflows/load/registry.js";
import type { SmallFile } from "../../core/bundle/layout-files.js";
import { formatBytes } from "../units.js";

/** What a push to a registry resulted in. */
export interface PushOutcome {
  readonly report: PushReport;
  /** True when pulling from the registry requires a login. */
  readonly needsLogin: boolean;
  /** Settings that make nodes pull from the registry. */
  readonly settings: readonly SmallFile[];
  /** The folder with the settings for the nodes, if they were written. */
  readonly folder: string | undefined;
}

export function formatPush({ report, needsLogin, folder }: PushOutcome): string {
  const lines = [
    `${report.bundle} is in ${report.registry}: ${countOf(report.images.length, "image")}, ${countOf(report.names, "name")}`,
    `  ${formatBytes(report.sentBytes)} sent; blobs: ${report.uploadedBlobs} sent, ${report.mountedBlobs} mounted from another repository, ${report.presentBlobs} already present`,
    ...report.images.slice(0, 1).map(({ repository, tags: [tag], digest }) => {
      return `  for example ${repository}${tag === undefined ? `@${digest}` : `:${tag}`}`;
    }),
  ];
  if (report.unresolved.length > 0) {
    lines.push("these names cannot be pulled from the registry:");
    for (const { name, reason } of report.unresolved) lines.push(`  ✗ ${name}: ${reason}`);
    lines.push(
      "  what to do: allow such an index in the registry (docker-registry 3: validation.manifests.indexes.platforms: none), build the bundle",
      "  with all platforms of the images, use tags instead of digests, or load the nodes directly.",
    );
  }
  if (needsLogin) {
    lines.push(
      "pulling requires a login: configure it for the nodes (imagePullSecrets, or auth in registries.yaml of k3s)",
    );
  }
  lines.push(
    folder === undefined
      ? "--settings FOLDER writes settings that make nodes pull from this registry (containerd, k3s, podman, docker)"
      : `the settings that make nodes pull from this registry are in ${folder}; its README.txt lists where to install each`,
  );
  return lines.join("\n");
}

/** Returns the outcome as the JSON of `load` has it. */
export function pushDocument({ report, needsLogin, settings, folder }: PushOutcome): object {
  return {
    ...report,
    needsLogin,
    settings: settingsDocument(settings),
    ...(folder !== undefined && { settingsFolder: folder }),
  };
}

/** Returns the files as they appear in the JSON output of a command. */
export function settingsDocument(files: readonly SmallFile[]): readonly { path: string; text: string }[] {
  return files.map(({ path, bytes }) => ({ path, text: Buffer.from(bytes).toString("utf8") }));
}
