// What the knowledge base says for one tag of an operator's image.
import type { OperatorRule } from "./operator-rules.js";
import type { Scope } from "./reference-template.js";
import { isInRange, readTagVersion } from "./tag-range.js";

/** The facts for a tag. */
export interface TagFacts {
  /** The rule with the facts that apply to the tag. */
  readonly rule: OperatorRule;
  /** Values of the release table for this tag; null if unknown, empty if no range covers the tag. */
  readonly values: Scope["values"];
  /** True if the facts were verified for this tag. */
  readonly isVerified: boolean;
}

/** Looks up the release that the tag belongs to. There is none if no range contains the tag. */
export function factsAt(tag: string | undefined, rule: OperatorRule): TagFacts {
  const found = readTagVersion(tag);
  const release =
    found &&
    rule.releases.find(({ tags, prefix }) => prefix === found.prefix && isInRange(found.version, tags));
  return { rule: rulesAt(tag, rule), values: release?.values ?? {}, isVerified: release !== undefined };
}

/**
 * Returns the rule with the facts that apply to the tag. All of them apply to a tag without a
 * version, such as `latest`.
 */
function rulesAt(tag: string | undefined, rule: OperatorRule): OperatorRule {
  const found = readTagVersion(tag);
  const applies = ({ tags }: { readonly tags?: string | undefined }): boolean =>
    tags === undefined || found === undefined || isInRange(found.version, tags);
  if ([...rule.images, ...rule.flags, ...rule.unknown].every(applies)) return rule;
  return {
    ...rule,
    images: rule.images.filter(applies),
    flags: rule.flags.filter(applies),
    unknown: rule.unknown.filter(applies),
  };
}
