// Which findings a word selects: the id of a rule, a former id, or a severity.
import {
  AUDIT_RULE_IDS,
  currentRuleIds,
  FORMER_RULE_IDS,
  SUPPRESSION_RULE_IDS,
} from "../../audit-rule-ids.js";
import type { AuditFinding, Severity } from "../report.js";

/** Most severe first. */
export const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];

/** The words that select findings, besides `warning:CODE`. */
export const SELECTORS: readonly string[] = [
  ...SEVERITIES,
  ...AUDIT_RULE_IDS,
  ...SUPPRESSION_RULE_IDS,
  ...FORMER_RULE_IDS,
];

/**
 * True if the word selects the finding. A severity selects the findings that are at least as severe;
 * `warning` therefore also selects all warnings about the list of images, as it always did.
 */
export function isSelected(
  word: string,
  { rule, severity }: Pick<AuditFinding, "rule" | "severity">,
): boolean {
  const level = SEVERITIES.findIndex((one) => one === word);
  if (level >= 0) return SEVERITIES.indexOf(severity) <= level;
  // It is a warning that has an id of its own.
  if (word === "warning:unknown-operator") return rule === "unknown-operator";
  return currentRuleIds(word).includes(rule);
}
