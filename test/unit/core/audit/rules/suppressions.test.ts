// Findings that a spec accepts, and the words that select findings.
import { describe, expect, it } from "vitest";
import { isSelected } from "../../../../../src/core/audit/rules/selectors.js";
import type { AuditFinding } from "../../../../../src/core/audit/report.js";
import type { Suppression } from "../../../../../src/core/spec/bundle-spec.js";
import { findingsOf, runBy } from "./findings-of.js";

const images = ["quay.io/a/sidecar:1.0.0", "quay.io/a/sidecar:2.0.0"].map((name) => runBy("Pod a", name));

function findingsWith(...suppress: readonly Suppression[]): readonly AuditFinding[] {
  return findingsOf({ images, inventory: { audit: { suppress } }, today: "2026-11-27" });
}

const duplicate = (findings: readonly AuditFinding[]): AuditFinding | undefined =>
  findings.find(({ rule }) => rule === "duplicate-versions");

const RULE = { rule: "duplicate-versions", reason: "the charts need both" };

describe("a suppression", () => {
  it.each<readonly [string, Suppression]>([
    ["of a rule", RULE],
    ["of a subject", { ...RULE, subject: "quay.io/a/sidecar" }],
    ["until today", { ...RULE, until: "2026-11-27" }],
    ["by a former id", { ...RULE, rule: "several-versions" }],
  ])("%s marks the finding with its reason", (_, suppression) => {
    const findings = findingsWith(suppression);

    expect(duplicate(findings)?.suppressed?.reason).toBe(RULE.reason);
    expect(findings.some(({ rule }) => rule.startsWith("suppression"))).toBe(false);
  });

  it("of an image without a version holds for its next version, too", () => {
    const suppressed = findingsWith({ rule: "no-digest", subject: "quay.io/a/sidecar", reason: "r" }).filter(
      (finding) => finding.suppressed !== undefined,
    );
    expect(suppressed.map(({ subject }) => subject)).toEqual(images.map(({ normalized }) => normalized));
  });

  it("of one version leaves the other one", () => {
    const subject = "quay.io/a/sidecar:1.0.0";
    const findings = findingsWith({ rule: "no-digest", subject, reason: "r" });
    const open = findings.filter((finding) => finding.rule === "no-digest" && !finding.suppressed);
    expect(open.map((finding) => finding.subject)).toEqual(["quay.io/a/sidecar:2.0.0"]);
  });

  it("that has ended is said, and its findings count again", () => {
    const findings = findingsWith({ ...RULE, until: "2026-11-26" });

    expect(duplicate(findings)?.suppressed).toBeUndefined();
    expect(findings).toContainEqual(
      expect.objectContaining({ rule: "suppression-expired", severity: "warning" }),
    );
  });

  it("that has ended does not matter when another one holds", () => {
    const findings = findingsWith({ ...RULE, until: "2026-01-01" }, { ...RULE, reason: "again" });
    expect(duplicate(findings)?.suppressed).toEqual({ reason: "again" });
  });

  it.each<Suppression>([
    { ...RULE, subject: "quay.io/a/other" },
    { ...RULE, rule: "rebuilt" },
    { ...RULE, subject: "quay.io/a/other", until: "2020-01-01" },
  ])("that matches nothing is said: %j", (suppression) => {
    const findings = findingsWith(suppression);

    expect(duplicate(findings)?.suppressed).toBeUndefined();
    expect(findings.map(({ rule }) => rule)).toContain("suppression-unused");
    expect(findings.map(({ rule }) => rule)).not.toContain("suppression-expired");
  });
});

describe("a word of --fail-on", () => {
  it.each([
    ["mutable-tag", "mutable-tag", "warning"],
    ["latest-tag", "mutable-tag", "warning"],
    ["several-versions", "duplicate-versions", "warning"],
    ["not-certain", "low-confidence", "note"],
    ["too-large", "large-image", "warning"],
    ["too-large", "large-layer", "warning"],
    ["warning", "warning:platform-absent", "warning"],
    ["warning", "removed-api", "error"],
    ["note", "rebuilt", "note"],
    ["warning:platform-absent", "warning:platform-absent", "warning"],
    ["warning:unknown-operator", "unknown-operator", "warning"],
  ] as const)("%s selects %s", (word, rule, severity) => {
    expect(isSelected(word, { rule, severity })).toBe(true);
  });

  it.each([
    ["error", "mutable-tag", "warning"],
    ["warning", "rebuilt", "note"],
    ["rebuilt", "mutable-tag", "warning"],
  ] as const)("%s does not select %s", (word, rule, severity) => {
    expect(isSelected(word, { rule, severity })).toBe(false);
  });
});
