// Applies the rules to small inventories.
import { NO_FACTS, type AuditFacts } from "../../../../../src/core/audit/audit-facts.js";
import { auditInventory } from "../../../../../src/core/audit/audit-inventory.js";
import type { AuditContents, AuditFinding, AuditImage } from "../../../../../src/core/audit/report.js";
import { findFindings } from "../../../../../src/core/audit/rules/find-findings.js";
import type { AuditLimits } from "../../../../../src/core/audit/rules/rule.js";
import type { Inventory, InventoryImage } from "../../../../../src/core/bundle/inventory.js";
import { imageOf, inventoryOf } from "../../load/inventory-of.js";

export interface Given {
  readonly images?: readonly InventoryImage[];
  readonly inventory?: Partial<Inventory>;
  /** What the configs say about every image. */
  readonly configs?: Pick<AuditImage, "user" | "created">;
  readonly layers?: AuditContents["layers"];
  readonly facts?: Partial<AuditFacts>;
  readonly limits?: AuditLimits;
  readonly today?: string;
}

export function findingsOf({
  images = [],
  inventory,
  limits = {},
  ...given
}: Given): readonly AuditFinding[] {
  const whole: Inventory = { ...inventoryOf(images), ...inventory };
  const contents = auditInventory(whole);
  return findFindings({
    inventory: whole,
    facts: { ...NO_FACTS, ...given.facts },
    contents: {
      ...contents,
      images: contents.images.map((image) => ({ ...image, ...given.configs })),
      ...(given.layers && { layers: given.layers }),
    },
    limits,
    today: given.today ?? "2026-11-27",
  });
}

/** Returns the subjects of the findings of a rule. */
export function subjectsOf(rule: string, given: Given): readonly string[] {
  return findingsOf(given).flatMap((finding) => (finding.rule === rule ? [finding.subject] : []));
}

/** An image that a Pod runs. `written` is the reference in the chart. */
export function runBy(object: string, written: string, hooks?: readonly string[]): InventoryImage {
  const image = imageOf(written);
  const evidence = {
    ...{ rule: "pod-spec", chart: "app-1.0.0", template: "app/templates/a.yaml" },
    ...{ object, path: "spec.containers[0].image", value: written },
    ...(hooks && { hooks }),
  };
  return { ...image, required: hooks === undefined, evidence: [evidence] };
}
