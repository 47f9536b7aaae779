// Applies the rules of the audit: returns what a person should review.
import type { Inventory } from "../../bundle/inventory.js";
import type { AuditFacts } from "../audit-facts.js";
import type { AuditFinding, AuditReport } from "../report.js";

/** Rules that `--fail-on` accepts. `warning` matches every warning about the image list. */
export const AUDIT_RULES = [
  "mutable-tag",
  "duplicate-versions",
  "low-confidence",
  "rebuilt",
  "excluded",
  "silenced",
  "too-large",
  "warning",
] as const;

/** What the rules look at. */
export interface RuleInput {
  readonly inventory: Inventory;
  readonly facts: AuditFacts;
  readonly report: Omit<AuditReport, "findings">;
}

export interface RuleOptions {
  /** Compressed size in bytes above which an image is a finding; absent for no limit. */
  readonly maxBytes?: number | undefined;
}

/** Returns the findings of all rules. */
export function findFindings(input: RuleInput, options: RuleOptions): readonly AuditFinding[] {
  return [
    ...findConcerns(input, options),
    ...excludedFindings(input.inventory),
    ...warningFindings(input.inventory),
  ];
}

function* findConcerns({ report: { images } }: RuleInput, { maxBytes }: RuleOptions): Iterable<AuditFinding> {
  const versions = new Map<string, string[]>();
  for (const image of images) {
    const subject = image.normalized;
    versions.set(image.repository, [...(versions.get(image.repository) ?? []), image.version]);
    if (image.version === "latest") {
      yield {
        rule: "mutable-tag",
        severity: "warning",
        subject,
        message: "the tag `latest` is mutable",
        why: "Kubernetes pulls the image at every container start, and its content may change.",
        action: "Use the tag of a release, or a digest.",
      };
    }
    if (image.confidence !== "certain" && image.confidence !== "high") {
      yield {
        rule: "low-confidence",
        severity: "note",
        subject,
        message: `found with ${image.confidence} confidence by ${image.evidence[0]?.rule ?? "?"}`,
        why: "The image may not be used.",
        action: "Rehearse the bundle, or exclude the image.",
      };
    }
    if (image.rebuilt) {
      yield {
        rule: "rebuilt",
        severity: "note",
        subject,
        message: "exported from a Docker engine: its digest differs from the digest in a registry",
        why: "References by digest do not resolve to it.",
        action: "Build from a registry when digests matter.",
      };
    }
    if (maxBytes !== undefined && image.compressedBytes > maxBytes) {
      yield {
        rule: "too-large",
        severity: "error",
        subject,
        message: `${image.compressedBytes} bytes, over the limit of ${maxBytes}`,
        why: "The limit was set for this audit.",
        action: "Use a smaller image, or raise the limit.",
      };
    }
  }
  for (const [repository, tags] of versions) {
    if (tags.length > 1)
      yield {
        rule: "duplicate-versions",
        severity: "warning",
        subject: repository,
        message: `used in versions ${tags.join(" and ")}`,
        why: "Every version takes space in the bundle and on the nodes.",
        action: "Set the same version in the values of the charts, if they permit it.",
      };
  }
}

function excludedFindings({ excluded }: Inventory): readonly AuditFinding[] {
  return excluded.map(({ reference, reason }) => ({
    rule: "excluded",
    severity: "note",
    subject: reference,
    message: `excluded: ${reason}`,
    why: "Pods that use it cannot start from the bundle.",
    action: "Check that it is on the nodes, or that nothing uses it.",
  }));
}

function warningFindings({ warnings }: Inventory): readonly AuditFinding[] {
  return warnings.map(({ code, message, hint, object, template, chart, incomplete, silenced }) => ({
    rule: silenced === undefined ? `warning:${code}` : "silenced",
    severity: silenced === undefined && incomplete ? "warning" : "note",
    subject: object ?? template ?? chart ?? "",
    message: silenced === undefined ? message : `${code}: ${message}; silenced: ${silenced}`,
    why: incomplete ? "The list of images may be incomplete." : "It concerns the list of images.",
    action: hint ?? "Check the list of images.",
  }));
}
