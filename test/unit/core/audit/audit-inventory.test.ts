// What the audit reports for review.
import { expect, it } from "vitest";
import { auditInventory } from "../../../../src/core/audit/audit-inventory.js";
import { inventoryOf } from "../load/inventory-of.js";

it("reports a silenced warning with its reason, and not as a warning", () => {
  const warning = { code: "unknown-operator", message: "it may start images", object: "Deployment maker" };
  const inventory = {
    ...inventoryOf([]),
    warnings: [
      { ...warning, incomplete: true },
      { ...warning, object: "Deployment other", incomplete: false, silenced: "judged" },
    ],
  };

  const { findings } = auditInventory(inventory);

  expect(findings.map(({ rule, subject }) => [rule, subject])).toEqual([
    ["warning:unknown-operator", "Deployment maker"],
    ["silenced", "Deployment other"],
  ]);
  expect(findings[1]?.message).toContain("judged");
});
