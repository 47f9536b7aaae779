// Custom resources of a known operator whose kind is missing in its file of the knowledge base.
import type { RenderedObject } from "../charts/rendered-object.js";
import { isTestHook } from "../charts/hooks.js";
import type { FindingWarning } from "../images/image-use.js";
import type { OperatorRule } from "./operator-rules.js";
import { nameOf, warningOf, type OperatorUse } from "./operators.js";
import { groupOf } from "../kubernetes/api-group.js";

/**
 * Returns a warning for each kind of custom resource that a known operator serves but that is
 * missing in the knowledge base, because its images may be missing too. Operators whose files do
 * not distinguish kinds are ignored.
 */
export function* findUnknownKinds(
  uses: readonly OperatorUse[],
  objects: readonly RenderedObject[],
): Iterable<FindingWarning> {
  const known = new Map<string, ReadonlySet<string>>();
  const seen = new Set<string>();
  const servedBy = new Map<string, OperatorUse>();
  const rules = new Set<OperatorRule>();
  for (const use of uses) {
    if (rules.has(use.rule)) continue;
    rules.add(use.rule);
    for (const [group, kinds] of kindsOf(use.rule)) {
      known.set(group, new Set([...(known.get(group) ?? []), ...kinds]));
      if (!servedBy.has(group)) servedBy.set(group, use);
    }
  }
  for (const object of objects) {
    const group = groupOf(object.apiVersion);
    const kind = `${group}/${object.kind}`;
    if (known.get(group)?.has(object.kind) !== false || seen.has(kind) || isTestHook(object)) continue;
    const use = servedBy.get(group);
    if (use === undefined) continue;
    seen.add(kind);
    const message = `${nameOf(use)}: the images that it starts for a ${object.kind} (${object.name}, ${object.template}) are unknown`;
    yield warningOf(use, "operator-kind-unknown", message);
  }
}

/** Returns the kinds in the rule by API group. */
function kindsOf(rule: OperatorRule): ReadonlyMap<string, readonly string[]> {
  const kinds = new Map<string, readonly string[]>(Object.entries(rule.harmless));
  const conditions = [
    ...rule.images.flatMap(({ when = [], with: besides = [] }) => [...when, ...besides]),
    ...rule.flags.flatMap(({ usedWhen }) => usedWhen),
    ...rule.unknown.flatMap(({ when = [] }) => when),
  ];
  for (const { group, kind } of conditions) kinds.set(group, [...(kinds.get(group) ?? []), kind]);
  return kinds;
}
