// A rule of the audit: its id and severity, and how it finds what a person should review.
import type { Inventory } from "../../bundle/inventory.js";
import type { AuditFacts } from "../audit-facts.js";
import type { AuditContents, Severity } from "../report.js";
import type { FindingKind } from "./texts.js";

/** The limits of an audit. Without a limit, nothing exceeds it. */
export interface AuditLimits {
  /** Compressed size of an image in bytes. */
  readonly maxBytes?: number | undefined;
  /** Compressed size of a layer in bytes. */
  readonly maxLayerBytes?: number | undefined;
  readonly maxAgeDays?: number | undefined;
}

/** What the rules look at. */
export interface RuleInput {
  readonly inventory: Inventory;
  readonly facts: AuditFacts;
  readonly contents: AuditContents;
  readonly limits: AuditLimits;
  /** The date of the audit, such as `2026-11-27`. */
  readonly today: string;
}

/** What a rule finds. */
export interface Found {
  readonly kind: FindingKind;
  /** A normalized reference, a repository, a layer, a chart or an object. */
  readonly subject: string;
  /** What fills the placeholders of the texts. */
  readonly values: Readonly<Record<string, string | number>>;
}

export interface Rule {
  /** One of `AUDIT_RULE_IDS`, or `warning:CODE`. */
  readonly id: string;
  readonly severity: Severity;
  /** What is wrong when the rule finds something, as a sentence. */
  readonly check: string;
  readonly find: (input: RuleInput) => Iterable<Found>;
}
