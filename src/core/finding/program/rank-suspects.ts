// Puts together what several files say of an operator's images, the surest first.
import { findReference, formatReference, formatRepository } from "../../images/reference.js";
import type { Suspect, TagCertainty } from "./suspect.js";

/** More than a person wants to look through; what comes later is the least sure. */
export const MOST_SUSPECTS = 25;

const CERTAINTIES: readonly TagCertainty[] = ["exact", "guessed", "unknown"];
const RULES: readonly Suspect["rule"][] = ["string-header", "constant", "text"];

/**
 * Returns each image once, sorted: those that the registry has, then by certainty of the tag, then those that the program holds before those of text.
 * Left out are images that are listed anyway (`known`: normalized references), a name without a tag where the same name has one, and the operator's own
 * image.
 */
export function rankSuspects(suspects: readonly Suspect[], known: ReadonlySet<string>): readonly Suspect[] {
  const sorted = suspects.toSorted((one, other) => rankOf(one) - rankOf(other));
  const tagged = new Set(
    sorted.filter(({ tag }) => tag !== undefined).map(({ repository }) => repositoryKey(repository)),
  );
  const kept = new Map<string, Suspect>();
  for (const suspect of sorted) {
    const key = referenceKey(suspect);
    if (known.has(key) || kept.has(key)) continue;
    if (suspect.tag === undefined && tagged.has(repositoryKey(suspect.repository))) continue;
    if (repositoryKey(suspect.repository) === repositoryKey(suspect.operatorImage)) continue;
    kept.set(key, suspect);
  }
  return [...kept.values()];
}

function rankOf({ exists, certainty, rule }: Suspect): number {
  const existence = exists === true ? 0 : exists === undefined ? 1 : 2;
  return (
    (existence * CERTAINTIES.length + CERTAINTIES.indexOf(certainty)) * RULES.length + RULES.indexOf(rule)
  );
}

/** The normalized reference; the repository alone where no tag is known. */
function referenceKey({ reference, tag, repository }: Suspect): string {
  if (tag === undefined) return repositoryKey(repository);
  const parsed = findReference(reference);
  return parsed === undefined ? reference : formatReference(parsed);
}

function repositoryKey(text: string): string {
  const parsed = findReference(text);
  return parsed === undefined ? text : formatRepository(parsed);
}
