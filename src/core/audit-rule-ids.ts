// The ids of the rules of the audit, which the spec and the command line refer to.

/** Rules with a fixed id, most severe first. */
export const AUDIT_RULE_IDS = [
  "removed-api",
  "platform-missing",
  "unknown-operator",
  "pull-policy",
  "mutable-tag",
  "duplicate-versions",
  "deprecated-api",
  "large-image",
  "large-layer",
  "old-image",
  "large-definition",
  "test-only",
  "unqualified-name",
  "low-confidence",
  "unpinned-chart",
  "root-user",
  "no-digest",
  "rebuilt",
  "excluded",
  "silenced",
] as const;
export type AuditRuleId = (typeof AUDIT_RULE_IDS)[number];

/** Former ids, and the rules that have taken their place. */
const FORMER_IDS: ReadonlyMap<string, readonly AuditRuleId[]> = new Map([
  ["latest-tag", ["mutable-tag"]],
  ["several-versions", ["duplicate-versions"]],
  ["not-certain", ["low-confidence"]],
  ["too-large", ["large-image", "large-layer"]],
]);

/** Every other warning about the list of images has the rule `warning:CODE`. */
export const WARNING_PREFIX = "warning:";

/** Rules about the suppressions themselves. */
export const SUPPRESSION_RULE_IDS = ["suppression-expired", "suppression-unused"] as const;

export const FORMER_RULE_IDS: readonly string[] = [...FORMER_IDS.keys()];

/** True for the id of a rule, a former id, and `warning:CODE`. */
export function isAuditRule(id: string): boolean {
  if (id.startsWith(WARNING_PREFIX)) return id.length > WARNING_PREFIX.length;
  return FORMER_IDS.has(id) || AUDIT_RULE_IDS.some((known) => known === id);
}

/** Returns the ids that a former id stands for, or else the id itself. */
export function currentRuleIds(id: string): readonly string[] {
  return FORMER_IDS.get(id) ?? [id];
}
