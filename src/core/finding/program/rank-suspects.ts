// Merges the suspects from several files and sorts them, the most certain first.
import { findReference, formatReference, formatRepository } from "../../images/reference.js";
import type { Suspect, TagCertainty } from "./suspect.js";

/** Limit for the number of suspects shown; the least certain ones are omitted. */
export const MOST_SUSPECTS = 25;

const CERTAINTIES: readonly TagCertainty[] = ["exact", "guessed", "unknown"];
const RULES: readonly Suspect["rule"][] = ["string-header", "constant", "text"];

/**
 * Returns each image once, sorted by existence in the registry, certainty of the tag, and rule
 * (strings of programs before text). Omits images that are already found (`known`: normalized
 * references), names without a tag when the same name has a tag elsewhere, names that only count
 * for a known operator, and the operator's own image.
 */
export function rankSuspects(suspects: readonly Suspect[], known: ReadonlySet<string>): readonly Suspect[] {
  const sorted = suspects.toSorted((one, other) => rankOf(one) - rankOf(other));
  const tagged = new Set(
    sorted.filter(({ tag }) => tag !== undefined).map(({ repository }) => repositoryKey(repository)),
  );
  const kept = new Map<string, Suspect>();
  for (const suspect of sorted) {
    const key = referenceKey(suspect);
    if (suspect.isWantedOnly === true || known.has(key) || kept.has(key)) continue;
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

/** Returns the normalized reference, or only the repository when the tag is not known. */
function referenceKey({ reference, tag, repository }: Suspect): string {
  if (tag === undefined) return repositoryKey(repository);
  const parsed = findReference(reference);
  return parsed === undefined ? reference : formatReference(parsed);
}

function repositoryKey(text: string): string {
  const parsed = findReference(text);
  return parsed === undefined ? text : formatRepository(parsed);
}
