// Computes the audit of an inventory: what is in a bundle by component, image and layer.
import { componentOf } from "../charts/component.js";
import { parseReference } from "../images/reference.js";
import type { Inventory, InventoryImage, InventoryPlatform } from "../bundle/inventory.js";
import { NO_FACTS, type AuditFacts } from "./audit-facts.js";
import { AUDIT_FORMAT_VERSION, type AuditImage, type AuditPlatform, type AuditReport } from "./report.js";
import { findFindings, type RuleOptions } from "./rules/find-findings.js";

/** Languages of purposes that the program knows itself. */
export type AuditLanguage = "en" | "ko";

export interface AuditInventoryOptions extends RuleOptions {
  /** English when absent. */
  readonly language?: AuditLanguage;
}

/** Returns the audit. */
export function auditInventory(
  inventory: Inventory,
  options: AuditInventoryOptions = {},
  facts: AuditFacts = NO_FACTS,
): AuditReport {
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
  const report: Omit<AuditReport, "findings"> = {
    formatVersion: AUDIT_FORMAT_VERSION,
    name: inventory.name,
    version: inventory.version,
    platforms: inventory.platforms,
    kubeVersion: inventory.kubeVersion ?? null,
    releases: inventory.releases,
    components: [],
    images,
    layers: [],
    totals: {
      images: images.length,
      layers: layers.size,
      uniqueBytes,
      sharedBytes: allBytes - uniqueBytes,
      uncompressedBytes: null,
    },
    warnings: inventory.warnings,
  };
  const { warnings, ...rest } = report;
  return { ...rest, findings: findFindings({ inventory, facts, report }, options), warnings };
}

function auditImage(image: InventoryImage): AuditImage {
  const reference = parseReference(image.normalized);
  const platforms = image.platforms.map(auditPlatform);
  const compressedBytes = platforms.reduce((sum, platform) => sum + platform.compressedBytes, 0);
  return {
    reference: image.reference,
    normalized: image.normalized,
    registry: reference.registry,
    repository: `${reference.registry}/${reference.repository}`,
    tag: reference.tag ?? null,
    version: reference.tag ?? reference.digest ?? "",
    digest: image.digest,
    required: image.required,
    confidence: image.confidence,
    rebuilt: image.rebuilt,
    components: unique(image.evidence.map(componentOf)),
    usedBy: unique(image.evidence.map((evidence) => evidence.object)),
    purpose: null,
    created: null,
    user: null,
    base: null,
    platforms,
    compressedBytes,
    uncompressedBytes: sumOrNull(platforms.map((platform) => platform.uncompressedBytes)),
    uniqueBytes: compressedBytes,
    sharedBytes: 0,
    evidence: image.evidence,
  };
}

function auditPlatform({ platform, digest, config, layers }: InventoryPlatform): AuditPlatform {
  return {
    platform,
    digest,
    layers: layers.map((layer) => layer.digest),
    compressedBytes: layers.reduce((sum, layer) => sum + layer.size, config.size),
    uncompressedBytes: sumOrNull(layers.map((layer) => layer.uncompressedSize)),
    created: null,
    user: null,
  };
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)].filter((value) => value !== "").sort();
}

function sumOrNull(sizes: readonly (number | null)[]): number | null {
  return sizes.reduce<number | null>((sum, size) => (sum === null || size === null ? null : sum + size), 0);
}
