// Lists the versions that an operator's program gives for an image of which only the repository is
// known.
import type { UnresolvedImage } from "../../images/image-use.js";
import { findReference, formatRepository } from "../../images/reference.js";
import type { Suspect } from "./suspect.js";

/** A version of the image, and the place in the program that gives it. */
export interface VersionCandidate {
  /** The complete reference. */
  readonly reference: string;
  readonly because: string;
  readonly suspect: Suspect;
}

/** The candidates, the most certain first. */
export interface VersionCandidates {
  /** If the registry has exactly one of a group, that is the version. */
  readonly groups: readonly (readonly VersionCandidate[])[];
  /**
   * The versions of the whole program, the most likely first. If no group gives the version, it is
   * the first of them that the registry has.
   */
  readonly list: readonly VersionCandidate[];
}

/** Tags that move from release to release. Programs contain them as defaults of development builds. */
const MOVING_TAG = /^(?:latest|edge|main|master|dev|devel|nightly|canary|stable)$/;

/** Returns the candidates among the suspects, which are those of one operator's image. */
export function listVersions(image: UnresolvedImage, suspects: readonly Suspect[]): VersionCandidates {
  const naming = suspects.filter((suspect) => namesRepository(suspect, image));
  const candidate = (suspect: Suspect, tag: string, because: string): VersionCandidate => ({
    reference: `${image.repository}${tag.startsWith("@") ? "" : ":"}${tag}`,
    because,
    suspect,
  });
  const tagged = naming.flatMap((suspect) =>
    suspect.tag === undefined || MOVING_TAG.test(suspect.tag)
      ? []
      : [{ suspect, of: candidate(suspect, suspect.tag, suspect.because) }],
  );
  const ofKind = (isWanted: (suspect: Suspect) => boolean): readonly VersionCandidate[] =>
    onceEach(tagged.filter(({ suspect }) => isWanted(suspect)).map(({ of }) => of));
  const expected = naming.flatMap((suspect) =>
    image.expectedTag === undefined
      ? []
      : [
          candidate(
            suspect,
            image.expectedTag,
            "the program contains the name, and its version is the operator's",
          ),
        ],
  );
  const list = naming.flatMap((suspect) =>
    (suspect.otherTags ?? []).map((tag) =>
      candidate(suspect, tag, `the program contains ${tag}, the first of its versions that the registry has`),
    ),
  );
  return {
    groups: [
      ...(["environment", "string-header", "constant", "text"] as const).map((wanted) =>
        ofKind(({ certainty, rule }) => certainty === "exact" && rule === wanted),
      ),
      ofKind(({ certainty, isAdjacent }) => certainty === "guessed" && isAdjacent === true),
      ofKind(({ certainty, isAdjacent }) => certainty === "guessed" && isAdjacent !== true),
      onceEach(expected),
    ].filter((group) => group.length > 0),
    list: onceEach(list),
  };
}

/**
 * Returns how programs may write the repositories: whole, without the registry, and the last
 * component alone, which they put behind a registry and a path.
 */
export function spellingsInPrograms(images: readonly UnresolvedImage[]): ReadonlySet<string> {
  return new Set(
    images.flatMap(({ repository }) => {
      const reference = findReference(repository);
      const path = reference?.repository ?? repository;
      return [repository, path, path.slice(path.lastIndexOf("/") + 1)];
    }),
  );
}

/**
 * True for the repository itself, for the same path at another registry, which the operator may be
 * told to use, and for a name without a registry that the program puts behind a path.
 */
function namesRepository(suspect: Suspect, image: UnresolvedImage): boolean {
  const [named, wanted] = [findReference(suspect.repository), findReference(image.repository)];
  if (named === undefined || wanted === undefined) return false;
  if (named.repository === wanted.repository) return true;
  const hasHost = suspect.repository.startsWith(named.registry);
  return !hasHost && formatRepository(wanted).endsWith(`/${suspect.repository}`);
}

function onceEach(candidates: readonly VersionCandidate[]): readonly VersionCandidate[] {
  const known = new Map<string, VersionCandidate>();
  for (const candidate of candidates) {
    if (!known.has(candidate.reference)) known.set(candidate.reference, candidate);
  }
  return [...known.values()];
}
