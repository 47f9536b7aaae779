// Which findings a word selects: the id of a rule, a former id, or a severity.
import type { AuditFinding, Severity } from "../report.js";

/** Most severe first. */
export const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];

/** Ids that rules had before. */
const FORMER: ReadonlyMap<string, readonly string[]> = new Map([
  ["latest-tag", ["mutable-tag"]],
  ["several-versions", ["duplicate-versions"]],
  ["not-certain", ["low-confidence"]],
  ["too-large", ["large-image", "large-layer"]],
]);

export const FORMER_RULES: readonly string[] = [...FORMER.keys()];

/** Returns the ids that a former id stands for, or else the id itself. */
export function rulesOf(id: string): readonly string[] {
  return FORMER.get(id) ?? [id];
}

/**
 * True if the word selects the finding. A severity selects the findings that are at least as severe;
 * `warning` therefore also selects all warnings about the list of images.
 */
export function isSelected(word: string, { rule, severity }: Pick<AuditFinding, "rule" | "severity">): boolean {
  const level = SEVERITIES.findIndex((one) => one === word);
  if (level >= 0) return SEVERITIES.indexOf(severity) <= level;
  // Before this rule had an id of its own, it was one of the warnings.
  if (word === "warning:unknown-operator") return rule === "unknown-operator";
  return rulesOf(word).includes(rule);
}
