// Findings in Korean.
import { expect, it } from "vitest";
import { localizeFindings } from "../../../../../src/core/audit/rules/localize.js";
import type { AuditFinding } from "../../../../../src/core/audit/report.js";
import { SETTLE_PROGRAM } from "../../../../../src/core/images/warning-advice.js";

const finding = (more: Partial<AuditFinding>): AuditFinding => ({
  rule: "old-image",
  severity: "warning",
  subject: "quay.io/a/b:1",
  message: "message",
  why: "why",
  action: "action",
  kind: "old-image",
  values: { created: "2024-01-02", days: 700, limit: 365 },
  ...more,
});
const korean = (more: Partial<AuditFinding>): AuditFinding | undefined =>
  localizeFindings({ findings: [finding(more)] }, "ko").findings[0];

it("have the values of the English text", () => {
  const { message, why, action, ...rest } = korean({}) ?? finding({});

  for (const value of ["2024-01-02", "700", "365"]) expect(message).toContain(value);
  for (const text of [message, why, action]) expect(text).toMatch(/\p{Script=Hangul}/u);
  expect(rest).toMatchObject({ rule: "old-image", severity: "warning", subject: "quay.io/a/b:1" });
});

it("say what a warning is about, with the details in English, and what to do", () => {
  const values = { message: "Deployment a (b:1) may create Pods", hint: SETTLE_PROGRAM };
  const found = korean({ rule: "unknown-operator", kind: "unknown-operator", values });

  expect(found?.message).toMatch(/\p{Script=Hangul}.*\(Deployment a \(b:1\) may create Pods\)$/u);
  expect(found?.action).toMatch(/\p{Script=Hangul}/u);
  expect(found?.action).not.toBe(SETTLE_PROGRAM);
});

it("keep the English text of a warning or a kind that has no Korean one", () => {
  const values = { message: "something new", hint: "Do something." };

  expect(korean({ rule: "warning:new", kind: "warning", values })?.message).toBe("something new");
  expect(korean({ kind: "toString" })?.message).toBe("message");
});

it("are the same objects in English", () => {
  const report = { findings: [finding({})] };

  expect(localizeFindings(report, "en")).toBe(report);
});
