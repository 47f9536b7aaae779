// Merges what is known of the same image from several sources.
import type { Confidence, Evidence, ImageUse } from "./image-use.js";

const CONFIDENCES: readonly Confidence[] = ["certain", "high", "medium", "low"];

/**
 * Returns each image once, sorted by `normalized`, with the evidence of all uses in the order
 * given. An image is required if one use says so, and has the highest confidence of them.
 */
export function mergeUses(uses: readonly ImageUse[]): readonly ImageUse[] {
  const byImage = new Map<string, ImageUse[]>();
  for (const use of uses) {
    const others = byImage.get(use.normalized);
    if (others === undefined) byImage.set(use.normalized, [use]);
    else others.push(use);
  }
  return [...byImage.values()]
    .flatMap((group): ImageUse[] => {
      const [first] = group;
      if (first === undefined) return [];
      return [
        {
          reference: first.reference,
          normalized: first.normalized,
          required: group.some(({ required }) => required),
          confidence:
            CONFIDENCES.find((level) => group.some(({ confidence }) => confidence === level)) ?? "low",
          evidence: firstOfEach(group.flatMap(({ evidence }) => evidence)),
        },
      ];
    })
    .sort((one, other) => (one.normalized < other.normalized ? -1 : 1));
}

/** Removes evidence that is repeated by a second rendering of the same object. */
function firstOfEach(all: readonly Evidence[]): readonly Evidence[] {
  const seen = new Set<string>();
  return all.filter(({ rule, chart, release, template, object, path, value }) => {
    const key = JSON.stringify([rule, chart, release, template, object, path, value]);
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
