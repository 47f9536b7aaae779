// Where one image comes from: the finding that is it, or what comes close to it.
import type { Suspect } from "./program/suspect.js";
import type { Findings } from "../images/image-use.js";
import { findReference, formatReference, parseReference } from "../images/reference.js";

/** The answer about one image; warnings are those of all findings, for they say what may be missing. */
export interface Explanation extends Findings {
  /** The image in question, spelled out. */
  readonly wanted: string;
  /** The programs that name it, where operators were looked into. */
  readonly suspects?: readonly Suspect[];
  /** Found images, and suspects, of the same repository with another tag or digest; there where the image itself was not found. */
  readonly near?: readonly string[];
}

/** Looks the reference up. Throws `REFERENCE_INVALID` for text that is none. */
export function explainImage(
  text: string,
  { images, warnings }: Findings,
  suspects: readonly Suspect[] | undefined,
): Explanation {
  const reference = parseReference(text);
  const wanted = formatReference(reference);
  const found = images.filter(({ normalized }) => normalized === wanted);
  const named = suspects?.filter((suspect) => normalize(suspect.reference) === wanted);
  const all = [
    ...images.map(({ normalized }) => normalized),
    ...(suspects ?? []).map(({ reference: name }) => normalize(name)),
  ];
  const near = all.filter(
    (name) => name !== wanted && repositoryOf(name) === `${reference.registry}/${reference.repository}`,
  );
  return {
    wanted,
    images: found,
    warnings,
    ...(named && { suspects: named }),
    ...(found.length === 0 && { near: [...new Set(near)] }),
  };
}

function normalize(text: string): string {
  const reference = findReference(text);
  return reference === undefined ? text : formatReference(reference);
}

function repositoryOf(text: string): string | undefined {
  const reference = findReference(text);
  return reference && `${reference.registry}/${reference.repository}`;
}
