// What the knowledge base says for one tag of an operator's image.
import { minVersion } from "semver";
import type { OperatorRule } from "./operator-rules.js";
import type { Scope } from "./reference-template.js";
import { isInRange, readTagVersion, type TagVersion } from "./tag-range.js";

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
  const build = rule.releases.find(({ builds }) => tag !== undefined && builds?.includes(tag) === true);
  const found = build === undefined ? readTagVersion(tag) : oldestOf(build);
  const release =
    build ??
    (found &&
      rule.releases.find(({ tags, prefix }) => prefix === found.prefix && isInRange(found.version, tags)));
  return { rule: rulesAt(found, rule), values: release?.values ?? {}, isVerified: release !== undefined };
}

function oldestOf({ tags, prefix }: OperatorRule["releases"][number]): TagVersion {
  return { prefix, version: minVersion(tags)?.version ?? "" };
}

/**
 * Returns the rule with the facts that apply to the tag. All of them apply to a tag without a
 * version, such as `latest`.
 */
function rulesAt(found: TagVersion | undefined, rule: OperatorRule): OperatorRule {
  const applies = ({ tags }: { readonly tags?: string | undefined }): boolean =>
    tags === undefined || found === undefined || isInRange(found.version, tags);
  if ([...rule.images, ...rule.flags, ...rule.unknown, ...rule.unused].every(applies)) return rule;
  return {
    ...rule,
    images: rule.images.filter(applies),
    flags: rule.flags.filter(applies),
    unknown: rule.unknown.filter(applies),
    unused: rule.unused.filter(applies),
  };
}
