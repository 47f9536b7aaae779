// When `audit` exits with 1: rules, severities, limits and suppressions, for a bundle.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditReport } from "../../../src/core/audit/report.js";
import type { Inventory } from "../../../src/core/bundle/inventory.js";
import { bundleOf } from "../../support/bundle-of.js";
import { runInProcess, type InProcessResult } from "../../support/in-process.js";

const IMAGES = ["quay.io/a/reloader:v0.1.0", "quay.io/a/reloader:v0.2.0"].map((reference) => ({
  reference,
  seed: reference,
  mediaTypes: "oci" as const,
  layers: [2000],
}));
const SUPPRESSION = { rule: "duplicate-versions", reason: "both are needed" };

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-audit-findings-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function audit(settings: Inventory["audit"], ...flags: readonly string[]): Promise<InProcessResult> {
  const { file } = await bundleOf(folder, "test", IMAGES, settings && { audit: settings });
  return runInProcess(["audit", file, "--quiet", ...flags], { cwd: folder });
}

describe("audit exits with", () => {
  it.each<readonly [number, readonly string[], Inventory["audit"]]>([
    [0, [], undefined],
    [1, ["--fail-on", "duplicate-versions"], undefined],
    [1, ["--fail-on", "several-versions"], undefined],
    [1, ["--fail-on", "rebuilt,warning"], undefined],
    [0, ["--fail-on", "rebuilt,error,warning:odd"], undefined],
    [0, ["--fail-on", "duplicate-versions"], { suppress: [SUPPRESSION] }],
    [0, ["--fail-on", "duplicate-versions"], { suppress: [{ ...SUPPRESSION, until: "9999-12-31" }] }],
    [1, ["--fail-on", "duplicate-versions"], { suppress: [{ ...SUPPRESSION, until: "2020-12-31" }] }],
    [1, ["--fail-on", "suppression-expired"], { suppress: [{ ...SUPPRESSION, until: "2020-12-31" }] }],
    [1, ["--max-size", "10"], undefined],
    [0, ["--max-size", "10MB"], { maxBytes: 10 }],
    [0, [], { maxBytes: 10 }],
    [1, ["--fail-on", "large-image"], { maxBytes: 10 }],
    [0, ["--max-size", "10"], { suppress: [{ rule: "large-image", reason: "accepted" }] }],
    [2, ["--fail-on", "mutable-tags"], undefined],
    [2, ["--fail-on", "warning:"], undefined],
    [2, ["--max-age", "1y"], undefined],
  ])("%i for %j and %j", async (code, flags, settings) => {
    expect(await audit(settings, ...flags)).toMatchObject({ code });
  });
});

it("has suppressed findings in the report, and suggests the rule for a mistyped one", async () => {
  const { stdout } = await audit({ suppress: [SUPPRESSION] }, "--json");
  const { findings } = JSON.parse(stdout) as AuditReport;

  expect(findings.find(({ rule }) => rule === "duplicate-versions")?.suppressed).toEqual({
    reason: SUPPRESSION.reason,
  });
  const mistyped = await audit(undefined, "--fail-on", "mutable-tags", "--json");
  expect(JSON.parse(mistyped.stdout)).toMatchObject({
    error: { code: "USAGE", hint: expect.stringContaining("mutable-tag?") as unknown },
  });
});

it("writes SARIF to a file, and replaces its own", async () => {
  for (const time of [1, 2]) {
    const { code } = await audit(undefined, "--format", "sarif", "--out", "audit.sarif");
    expect([time, code]).toEqual([time, 0]);
  }
  const log = JSON.parse(await readFile(join(folder, "audit.sarif"), "utf8")) as {
    readonly version: string;
    readonly runs: readonly { readonly results: readonly unknown[] }[];
  };

  expect(log.version).toBe("2.1.0");
  expect(log.runs[0]?.results.length).toBeGreaterThan(0);
});
