// Formats the content of a bundle as tables, as a list of references, or as JSON.
import { countOf } from "../../core/count-of.js";
import type { BundleDescription } from "../../workflows/show.js";
import { formatBytes } from "../units.js";
import { formatTable } from "./table.js";

export const SHOW_FORMATS = ["table", "list", "json"] as const;
export type ShowFormat = (typeof SHOW_FORMATS)[number];

/** Formats the description. JSON output is the description itself. */
export function formatShow(description: BundleDescription, format: ShowFormat, width?: number): string {
  switch (format) {
    case "json":
      return JSON.stringify(description, null, 1);
    case "list":
      return description.images.map(({ normalized }) => normalized).join("\n");
    case "table":
      return [
        head(description),
        releaseTable(description, width),
        imageTable(description, width),
        foot(description),
      ]
        .filter((text) => text !== "")
        .join("\n\n");
  }
}

function head(description: BundleDescription): string {
  const { name, version, digest, size, platforms, kubeVersion, createdFrom, rehearsal } = description;
  const facts = {
    digest,
    size: formatBytes(size),
    platforms: platforms.join(", "),
    kubernetes: kubeVersion ?? "not specified",
    "built with": createdFrom.tool,
    signature: "none",
    rehearsal:
      rehearsal === null
        ? "none"
        : `${rehearsal.outcome} on ${rehearsal.date.slice(0, 10)}, Kubernetes ${rehearsal.kubeVersion}: ${countOf(rehearsal.asked, "image")} requested, ${rehearsal.missing} missing`,
  };
  return [
    `${name} ${version}`,
    ...Object.entries(facts).map(([fact, text]) => `${fact.padEnd(10)}  ${text}`),
  ].join("\n");
}

function releaseTable({ releases }: BundleDescription, width: number | undefined): string {
  if (releases.length === 0) return "no releases";
  const columns = ["RELEASE", "NAMESPACE", "CHART", "APP VERSION"].map(
    (heading) => ({ heading, shorten: "end" }) as const,
  );
  return formatTable(
    columns,
    releases.map(({ name, namespace, chart }) => [
      name,
      namespace,
      `${chart.name}-${chart.version}`,
      chart.appVersion ?? "",
    ]),
    { width },
  );
}

function imageTable({ images }: BundleDescription, width: number | undefined): string {
  if (images.length === 0) return "";
  return formatTable(
    [
      { heading: "IMAGE", shorten: "start", least: 24 },
      { heading: "PLATFORMS", shorten: "end" },
      { heading: "COMPRESSED", align: "right" },
      { heading: "UNPACKED", align: "right" },
    ],
    images.map(({ normalized, platforms, compressedBytes, uncompressedBytes }) => [
      normalized,
      platforms.join(" "),
      formatBytes(compressedBytes),
      uncompressedBytes === null ? "unknown" : formatBytes(uncompressedBytes),
    ]),
    { width },
  );
}

function foot({ images, hostImages, excluded, warnings }: BundleDescription): string {
  return [
    countOf(images.length, "image"),
    ...hostImages.map((name) => `for the container engine of the host: ${name}`),
    ...excluded.map(({ reference, reason }) => `excluded: ${reference} (${reason})`),
    ...(warnings.total === 0
      ? []
      : [`${countOf(warnings.total, "warning")}, see \`viola-airgap images\` of this bundle`]),
  ].join("\n");
}
