// The published JSON schema of the audit.
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { formatted } from "../../../../scripts/formatted.js";
import { auditInventory } from "../../../../src/core/audit/audit-inventory.js";
import { completeAudit } from "../../../../src/core/audit/rules/find-findings.js";
import { NO_FACTS } from "../../../../src/core/audit/audit-facts.js";
import { AUDIT_SCHEMA, auditSchema } from "../../../../src/core/audit/schema.js";
import { WHOLE_INVENTORY } from "../../../support/whole-inventory.js";

// To update it: npx vitest run --project unit -t "manifests/audit.schema.json" -u
it("is the content of manifests/audit.schema.json", async () => {
  const file = fileURLToPath(new URL("../../../../manifests/audit.schema.json", import.meta.url));

  const schema = await formatted(file, JSON.stringify(auditSchema()));

  await expect(schema).toMatchFileSnapshot(file);
});

it("has every field of an audit", () => {
  const inventory = WHOLE_INVENTORY;
  const contents = auditInventory(inventory);
  const report = completeAudit({ inventory, facts: NO_FACTS, contents, limits: {}, today: "2026-11-27" });

  // Fields that a schema does not have are removed by its parser.
  expect(AUDIT_SCHEMA.parse(report)).toEqual(report);
});
