// References and image uses for tests.
import {
  formatReference,
  parseReference,
  type NormalizedReference,
} from "../../src/core/images/reference.js";
import type { ImageUse } from "../../src/core/images/image-use.js";

/** Spells a reference out. */
export function named(reference: string): NormalizedReference {
  return formatReference(parseReference(reference));
}

/** An image use for tests that care about the reference only. */
export function imageUse(reference: string): ImageUse {
  const normalized = named(reference);
  return { reference, normalized, required: true, confidence: "certain", evidence: [] };
}
