// Applies the rules of the audit and the suppressions of the spec.
import { fill } from "../../words/phrase.js";
import type { AuditFinding, AuditReport } from "../report.js";
import { warningRule } from "./list.js";
import type { AuditLimits, Found, Rule, RuleInput } from "./rule.js";
import { SEVERITIES } from "./selectors.js";
import { applySuppressions, SUPPRESSION_EXPIRED, SUPPRESSION_UNUSED } from "./suppressions.js";
import { RULES } from "./table.js";
import { FINDING_TEXTS } from "./texts.js";

/**
 * Adds the findings to the audit. Limits override those of the spec, which are in the inventory with
 * its suppressions.
 */
export function completeAudit(input: RuleInput): AuditReport {
  const { warnings, ...contents } = input.contents;
  return { ...contents, findings: findFindings(input), warnings };
}

/**
 * Returns the findings of all rules, most severe first, and for each suppression that has ended or
 * matches nothing one more. Suppressed findings are included.
 */
export function findFindings({ limits, ...given }: RuleInput): readonly AuditFinding[] {
  const { suppress = [], ...limitsOfSpec } = given.inventory.audit ?? {};
  const input = { ...given, limits: { ...limitsOfSpec, ...withoutUndefined(limits) } };
  const codes = new Set(input.inventory.warnings.map(({ code }) => code));
  codes.delete("unknown-operator");
  const rules = [...RULES, ...[...codes].sort().map(warningRule)];
  const found = rules.flatMap((rule) => Array.from(rule.find(input), (one) => toFinding(rule, one)));
  const { findings, expired, unused } = applySuppressions(found, suppress, input.today);
  const all = [
    ...findings,
    ...expired.map((one) => toFinding(SUPPRESSION_EXPIRED, one)),
    ...unused.map((one) => toFinding(SUPPRESSION_UNUSED, one)),
  ];
  return all.toSorted((one, other) => rank(one) - rank(other));
}

function toFinding(
  { id, severity }: Pick<Rule, "id" | "severity">,
  { kind, subject, values }: Found,
): AuditFinding {
  const { message, why, action } = FINDING_TEXTS[kind];
  return {
    rule: id,
    severity,
    subject,
    message: fill(message, values),
    why: fill(why, values),
    action: fill(action, values),
    kind,
    values,
  };
}

function rank({ severity }: AuditFinding): number {
  return SEVERITIES.indexOf(severity);
}

function withoutUndefined(limits: AuditLimits): AuditLimits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
