// Explains where an image was found, or lists similar images.
import type { Suspect } from "./program/suspect.js";
import type { Findings } from "../images/image-use.js";
import { findReference, formatReference, parseReference } from "../images/reference.js";

/**
 * The result for one image. Warnings are those of all findings, as they say what may be missing.
 */
export interface Explanation extends Findings {
  /** Normalized reference of the image. */
  readonly wanted: string;
  /** Programs that contain the reference, if operators were inspected. */
  readonly suspects?: readonly Suspect[];
  /**
   * Images and suspects of the same repository with another tag or digest. Present if the image
   * itself was not found.
   */
  readonly near?: readonly string[];
}

/** Looks the reference up in the findings. Throws `REFERENCE_INVALID` if it is not a reference. */
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
