// An image use for tests that care about the reference only.
import { formatReference, parseReference } from "../../src/core/images/reference.js";
import type { ImageUse } from "../../src/core/images/image-use.js";

export function imageUse(reference: string): ImageUse {
  const normalized = formatReference(parseReference(reference));
  return { reference, normalized, required: true, confidence: "certain", evidence: [] };
}
