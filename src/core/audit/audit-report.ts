// Computes the audit of an inventory: size, version and use of every image, and findings to review.
import { componentOf } from "../charts/component.js";
import { parseReference } from "../images/reference.js";
import type { Evidence, FindingWarning } from "../images/image-use.js";
import type { Inventory, InventoryImage, InventoryPlatform } from "../bundle/inventory.js";

/** One image of the audit. Sizes are in bytes and cover all platforms that the bundle includes. */
export interface AuditImage {
  readonly reference: string;
  readonly normalized: string;
  readonly repository: string;
  /** The tag, or the digest when there is no tag. */
  readonly version: string;
  readonly digest: string;
  readonly required: boolean;
  readonly confidence: InventoryImage["confidence"];
  readonly rebuilt: boolean;
  /** Charts and subcharts that use the image, such as `loki`. */
  readonly components: readonly string[];
  /** Objects that use the image, such as `StatefulSet monitoring/loki-write`. */
  readonly usedBy: readonly string[];
  readonly platforms: readonly AuditPlatform[];
  readonly compressedBytes: number;
  /** Null when the uncompressed size of at least one layer is not known. */
  readonly uncompressedBytes: number | null;
  readonly evidence: readonly Evidence[];
}

export interface AuditPlatform {
  readonly platform: string;
  readonly digest: string;
  readonly layers: number;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number | null;
}

/** Something that a person should review. */
export interface AuditFinding {
  readonly code: AuditRule | `warning:${string}`;
  readonly subject: string;
  readonly message: string;
}

/** Rules that `--fail-on` accepts. `warning` matches every warning about the image list. */
export const AUDIT_RULES = [
  "latest-tag",
  "several-versions",
  "not-certain",
  "rebuilt",
  "excluded",
  "silenced",
  "too-large",
  "warning",
] as const;
export type AuditRule = (typeof AUDIT_RULES)[number];

export interface AuditReport {
  readonly formatVersion: 1;
  readonly name: string;
  readonly version: string;
  readonly platforms: readonly string[];
  readonly releases: Inventory["releases"];
  readonly images: readonly AuditImage[];
  readonly totals: {
    readonly images: number;
    readonly layers: number;
    /** Size in bytes of all configs and layers; each blob is counted once. */
    readonly uniqueBytes: number;
    /** Bytes saved because images share layers. */
    readonly sharedBytes: number;
  };
  readonly findings: readonly AuditFinding[];
  readonly warnings: readonly FindingWarning[];
}

/**
 * Returns the audit. Images larger than `maxBytes` are a finding; without it, size is not checked.
 */
export function auditInventory(inventory: Inventory, maxBytes?: number): AuditReport {
  const images = inventory.images.map(auditImage);
  const blobs = new Map<string, number>();
  const layers = new Set<string>();
  let allBytes = 0;
  for (const image of inventory.images) {
    for (const platform of image.platforms) {
      for (const { digest, size } of [platform.config, ...platform.layers]) {
        blobs.set(digest, size);
        allBytes += size;
      }
      for (const { digest } of platform.layers) layers.add(digest);
    }
  }
  const uniqueBytes = [...blobs.values()].reduce((sum, size) => sum + size, 0);
  return {
    formatVersion: 1,
    name: inventory.name,
    version: inventory.version,
    platforms: inventory.platforms,
    releases: inventory.releases,
    images,
    totals: { images: images.length, layers: layers.size, uniqueBytes, sharedBytes: allBytes - uniqueBytes },
    findings: [
      ...findConcerns(images, maxBytes),
      ...excludedFindings(inventory),
      ...warningFindings(inventory),
    ],
    warnings: inventory.warnings,
  };
}

function auditImage(image: InventoryImage): AuditImage {
  const reference = parseReference(image.normalized);
  const platforms = image.platforms.map(auditPlatform);
  return {
    reference: image.reference,
    normalized: image.normalized,
    repository: `${reference.registry}/${reference.repository}`,
    version: reference.tag ?? reference.digest ?? "",
    digest: image.digest,
    required: image.required,
    confidence: image.confidence,
    rebuilt: image.rebuilt,
    components: unique(image.evidence.map(componentOf)),
    usedBy: unique(image.evidence.map((evidence) => evidence.object)),
    platforms,
    compressedBytes: platforms.reduce((sum, platform) => sum + platform.compressedBytes, 0),
    uncompressedBytes: sumOrNull(platforms.map((platform) => platform.uncompressedBytes)),
    evidence: image.evidence,
  };
}

function auditPlatform({ platform, digest, config, layers }: InventoryPlatform): AuditPlatform {
  return {
    platform,
    digest,
    layers: layers.length,
    compressedBytes: layers.reduce((sum, layer) => sum + layer.size, config.size),
    uncompressedBytes: sumOrNull(layers.map((layer) => layer.uncompressedSize)),
  };
}

function* findConcerns(images: readonly AuditImage[], maxBytes: number | undefined): Iterable<AuditFinding> {
  const versions = new Map<string, string[]>();
  for (const image of images) {
    const subject = image.normalized;
    versions.set(image.repository, [...(versions.get(image.repository) ?? []), image.version]);
    if (image.version === "latest") {
      yield {
        code: "latest-tag",
        subject,
        message: "the tag `latest` is mutable and makes Kubernetes pull the image at every container start",
      };
    }
    if (image.confidence !== "certain" && image.confidence !== "high") {
      yield {
        code: "not-certain",
        subject,
        message: `found with ${image.confidence} confidence by ${image.evidence[0]?.rule ?? "?"}`,
      };
    }
    if (image.rebuilt) {
      yield {
        code: "rebuilt",
        subject,
        message: "exported from a Docker engine: its digest differs from the digest in a registry",
      };
    }
    if (maxBytes !== undefined && image.compressedBytes > maxBytes) {
      yield {
        code: "too-large",
        subject,
        message: `${image.compressedBytes} bytes, over the limit of ${maxBytes}`,
      };
    }
  }
  for (const [repository, tags] of versions) {
    if (tags.length > 1)
      yield {
        code: "several-versions",
        subject: repository,
        message: `used in versions ${tags.join(" and ")}`,
      };
  }
}

function excludedFindings({ excluded }: Inventory): readonly AuditFinding[] {
  return excluded.map(({ reference, reason }) => ({
    code: "excluded",
    subject: reference,
    message: `excluded: ${reason}`,
  }));
}

function warningFindings({ warnings }: Inventory): readonly AuditFinding[] {
  return warnings.map(({ code, message, object, template, chart, silenced }) => ({
    code: silenced === undefined ? (`warning:${code}` as const) : "silenced",
    subject: object ?? template ?? chart ?? "",
    message: silenced === undefined ? message : `${code}: ${message}; silenced: ${silenced}`,
  }));
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)].filter((value) => value !== "").sort();
}

function sumOrNull(sizes: readonly (number | null)[]): number | null {
  return sizes.reduce<number | null>((sum, size) => (sum === null || size === null ? null : sum + size), 0);
}
