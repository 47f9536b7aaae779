// Says what an image is for.
import { isRepository } from "../images/repository-copies.js";
import { parseReference } from "../images/reference.js";
import type { Language } from "../words/language.js";
import type { ConfigFacts } from "./audit-facts.js";
import { WELL_KNOWN_IMAGES } from "./well-known-images.js";

/** Longer descriptions are cut: they are for pages, not for tables. */
const MAX_LENGTH = 160;
const DESCRIPTION = "org.opencontainers.image.description";

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
  // Most names have two parts, which are looked up; a search finds those of mirrors.
  const entry =
    (Object.hasOwn(WELL_KNOWN_IMAGES, repository) ? WELL_KNOWN_IMAGES[repository] : undefined) ??
    Object.entries(WELL_KNOWN_IMAGES).find(([known]) => isRepository(repository, known))?.[1];
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
