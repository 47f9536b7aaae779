// References and image uses for tests.
import {
  formatReference,
  parseReference,
  type NormalizedReference,
} from "../../src/core/images/reference.js";
import type { ImageUse } from "../../src/core/images/image-use.js";

/** Normalizes a reference. */
export function named(reference: string): NormalizedReference {
  return formatReference(parseReference(reference));
}

/** An image use for tests that only use the reference. */
export function imageUse(reference: string): ImageUse {
  const normalized = named(reference);
  return { reference, normalized, required: true, confidence: "certain", evidence: [] };
}
