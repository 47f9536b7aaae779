// Says what an image is for.
import { groupBy } from "../group-by.js";
import { copyNames, isCopy } from "../images/repository-copies.js";
import { parseReference } from "../images/reference.js";
import type { Language } from "../words/language.js";
import type { ConfigFacts } from "./audit-facts.js";
import { WELL_KNOWN_IMAGES } from "./well-known-images.js";

/** Longer descriptions are cut: they are for pages, not for tables. */
const MAX_LENGTH = 160;
const DESCRIPTION = "org.opencontainers.image.description";

/** The names of well-known images and of their copies in mirrors, by the last part of the name. */
const BY_LAST_PART = groupBy(
  Object.entries(WELL_KNOWN_IMAGES).flatMap(([known, purpose]) =>
    copyNames(known).map((name) => ({ name, purpose })),
  ),
  ({ name }) => lastPart(name),
);

/** Returns what a well-known image is for, in the language, or what its label says, or null. */
export function imagePurpose(
  normalized: string,
  configs: readonly ConfigFacts[],
  language: Language,
): string | null {
  return (
    wellKnownPurpose(normalized, language) ??
    shortText(configs.map(({ labels }) => labels[DESCRIPTION]).find((text) => (text ?? "").trim() !== ""))
  );
}

/** Returns what an image of the built-in list is for, or null. */
export function wellKnownPurpose(normalized: string, language: Language): string | null {
  const { repository } = parseReference(normalized);
  const entry = BY_LAST_PART.get(lastPart(repository))?.find(({ name }) => isCopy(repository, name))?.purpose;
  return entry?.[language] ?? null;
}

/** Returns a description as one short line without markup at its ends, or null for none. */
export function shortText(text: string | null | undefined): string | null {
  const line = (text ?? "").replaceAll(/\s+/g, " ").trim();
  if (line === "") return null;
  const letters = Array.from(line);
  return letters.length <= MAX_LENGTH
    ? line
    : `${letters
        .slice(0, MAX_LENGTH - 1)
        .join("")
        .trimEnd()}…`;
}

function lastPart(repository: string): string {
  return repository.slice(repository.lastIndexOf("/") + 1);
}
