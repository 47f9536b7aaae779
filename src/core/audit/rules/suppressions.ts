// Applies `audit.suppress` of the spec to findings: an accepted finding stays in the report and does
// not count, until the date that the spec sets.
import { findReference, formatRepository, normalizeReference } from "../../images/reference.js";
import type { AuditFinding } from "../report.js";
import type { Suppression } from "../../spec/bundle-spec.js";
import { isSelected } from "./selectors.js";
import type { Found, Rule } from "./rule.js";

export const SUPPRESSION_EXPIRED: Pick<Rule, "id" | "severity"> = {
  id: "suppression-expired",
  severity: "warning",
};
export const SUPPRESSION_UNUSED: Pick<Rule, "id" | "severity"> = {
  id: "suppression-unused",
  severity: "note",
};

export interface Suppressed {
  /** The findings, with the reason where they are suppressed. */
  readonly findings: readonly AuditFinding[];
  /** Entries that have ended, and whose findings count again. */
  readonly expired: readonly Found[];
  /** Entries that match no finding. */
  readonly unused: readonly Found[];
}

/** `today` is a date such as `2026-11-27`. */
export function applySuppressions(
  findings: readonly AuditFinding[],
  suppressions: readonly Suppression[],
  today: string,
): Suppressed {
  const used = new Set<Suppression>();
  const hasEnded = ({ until }: Suppression): boolean => until !== undefined && until < today;
  const judged = findings.map((finding): AuditFinding => {
    const matching = suppressions.filter((entry) => matches(entry, finding));
    for (const entry of matching) used.add(entry);
    const valid = matching.find((entry) => !hasEnded(entry));
    if (valid === undefined) return finding;
    const { reason, until } = valid;
    return { ...finding, suppressed: { reason, ...(until !== undefined && { until }) } };
  });
  return {
    findings: judged,
    expired: suppressions
      .filter((entry) => used.has(entry) && hasEnded(entry))
      .map((entry) => ({
        kind: "suppression-expired",
        subject: entry.subject ?? entry.rule,
        values: { rule: entry.rule, reason: entry.reason, until: entry.until ?? "" },
      })),
    unused: suppressions
      .filter((entry) => !used.has(entry))
      .map(({ rule, subject, reason }) => ({
        kind: "suppression-unused",
        subject: subject ?? rule,
        values: { rule, reason },
      })),
  };
}

function matches({ rule, subject }: Suppression, finding: AuditFinding): boolean {
  if (!isSelected(rule, finding)) return false;
  if (subject === undefined || subject === finding.subject) return true;
  if (normalizeReference(subject) === finding.subject) return true;
  return isRepositoryOf(subject, finding.subject);
}

/** True if the text is the repository of the reference, so that an entry outlives a new version. */
function isRepositoryOf(text: string, subject: string): boolean {
  const repository = findReference(text);
  const image = findReference(subject);
  const hasTag = /[:@]/.test(text.slice(text.lastIndexOf("/") + 1));
  if (repository === undefined || image === undefined || hasTag) return false;
  return formatRepository(repository) === formatRepository(image);
}
