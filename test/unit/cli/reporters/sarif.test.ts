// The findings as SARIF, against the schema of the format.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { beforeAll, expect, it } from "vitest";
import { isAuditReport } from "../../../../src/cli/reporters/audit/audit.js";
import { formatSarif } from "../../../../src/cli/reporters/sarif.js";
import { completeAudit } from "../../../../src/core/audit/rules/find-findings.js";
import { NO_FACTS } from "../../../../src/core/audit/audit-facts.js";
import { auditInventory } from "../../../../src/core/audit/audit-inventory.js";
import type { AuditReport } from "../../../../src/core/audit/report.js";
import { ROOT } from "../../../support/paths.js";
import { runBy } from "../../core/audit/rules/findings-of.js";
import { inventoryOf } from "../../core/load/inventory-of.js";

const OPTIONS = { file: "/srv/specs/my bundle.yaml", cwd: "/srv", version: "1.0.0" };

interface SarifLog {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly results: readonly {
        readonly ruleId: string;
        readonly ruleIndex: number;
        readonly level: string;
        readonly message: { readonly text: string };
        readonly locations: readonly [
          {
            readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } };
            readonly logicalLocations?: readonly { readonly fullyQualifiedName: string }[];
          },
        ];
        readonly partialFingerprints: Readonly<Record<string, string>>;
        readonly suppressions?: readonly { readonly justification: string }[];
      }[];
    },
  ];
}

function reportOf(...references: readonly string[]): AuditReport {
  const inventory = {
    ...inventoryOf(references.map((reference) => runBy("Pod a", reference))),
    warnings: [{ code: "odd", message: "<b>\u001b[31m한국어 🙂</b>", incomplete: true }],
    audit: { suppress: [{ rule: "no-digest", reason: "we pin elsewhere", until: "2030-01-01" }] },
  };
  const contents = auditInventory(inventory);
  return completeAudit({ inventory, facts: NO_FACTS, contents, limits: {}, today: "2026-11-27" });
}

const formatted = (report: AuditReport, options = OPTIONS): SarifLog =>
  JSON.parse(formatSarif(report, options)) as SarifLog;

let validate: ReturnType<Ajv["compile"]>;
beforeAll(async () => {
  // From the package @microsoft/jest-sarif (MIT). It has no keyword that means something else in the
  // draft that the validator knows.
  const file = join(ROOT, "test/fixtures/sarif/sarif-2.1.0-rtm.5.json");
  const { $schema, id, ...schema } = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  expect([$schema, id]).toEqual([expect.stringContaining("draft-04"), expect.stringContaining("sarif")]);
  const ajv = new Ajv({ strict: false, unicodeRegExp: false, allErrors: true });
  addFormats.default(ajv);
  validate = ajv.compile(schema);
});

it.each<readonly [string, readonly string[]]>([
  ["with findings", ["busybox", "busybox:1", "a.example/b:1.2.3"]],
  ["without images", []],
])("is valid %s", (_, references) => {
  const isValid = validate(formatted(reportOf(...references)));
  expect([isValid, validate.errors]).toEqual([true, null]);
});

it("is told from what is not valid by the validator", () => {
  const log = formatted(reportOf("busybox"));
  expect(validate({ ...log, version: "2.0.0" })).toBe(false);
  expect(validate({ ...log, runs: [{ ...log.runs[0], results: [{ level: "fatal" }] }] })).toBe(false);
});

it("has each finding with its rule, level and subject", () => {
  const report = reportOf("busybox", "a.example/b:1.2.3");
  const [{ tool, results }] = formatted(report).runs;

  expect(results).toHaveLength(report.findings.length);
  for (const [index, { rule, severity, subject, message }] of report.findings.entries()) {
    const result = results[index]!;
    expect(result).toMatchObject({ ruleId: rule, level: severity });
    expect(tool.driver.rules[result.ruleIndex]?.id).toBe(rule);
    expect(result.message.text).toContain(message);
    expect(result.locations[0].logicalLocations?.[0]?.fullyQualifiedName ?? "").toBe(subject);
  }
});

it("marks suppressed findings with the reason", () => {
  const [{ results }] = formatted(reportOf("a.example/b:1.2.3")).runs;
  const suppressed = results.filter(({ suppressions }) => suppressions !== undefined);

  expect(suppressed.map(({ ruleId }) => ruleId)).toEqual(["no-digest"]);
  expect(suppressed[0]?.suppressions?.[0]?.justification).toBe("we pin elsewhere");
});

it("keeps the identity of a finding when its message changes", () => {
  const prints = (...references: readonly string[]): readonly unknown[] =>
    formatted(reportOf(...references))
      .runs[0].results.filter(({ ruleId }) => ruleId === "duplicate-versions")
      .map(({ partialFingerprints }) => partialFingerprints);

  expect(prints("a.example/b:1.0.0", "a.example/b:2.0.0")).toEqual(
    prints("a.example/b:1.0.0", "a.example/b:3.0.0"),
  );
});

it.each([
  ["/srv", "specs/my%20bundle.yaml"],
  ["/srv/specs", "my%20bundle.yaml"],
  ["/other", "my%20bundle.yaml"],
])("names the file from %s as %s", (cwd, uri) => {
  const [{ results }] = formatted(reportOf("busybox"), { ...OPTIONS, cwd }).runs;
  expect(results[0]?.locations[0].physicalLocation.artifactLocation.uri).toBe(uri);
});

it("is recognized as a report of the command", () => {
  expect(isAuditReport(formatSarif(reportOf("busybox"), OPTIONS).slice(0, 4096))).toBe(true);
  expect(isAuditReport(formatSarif(reportOf(), OPTIONS))).toBe(true);
  expect(isAuditReport('{"$schema": "sarif", "version": "2.1.0"}')).toBe(false);
});
