// Chooses the images of the bundle: the required ones, plus those that the spec includes, minus
// those that it excludes.
import { isTestImage } from "../charts/hooks.js";
import type { FindingWarning, ImageUse } from "../images/image-use.js";
import type { BundleSpec, ExcludedImage, ExtraImage } from "./bundle-spec.js";
import {
  formatReference,
  normalizeReference,
  parseReference,
  type NormalizedReference,
} from "../images/reference.js";

/** The choice, sorted by `normalized`. */
export interface ImageChoice {
  readonly chosen: readonly ImageUse[];
  readonly excluded: readonly ExcludedImage[];
  /** Images that only `helm test` starts and that are not chosen. */
  readonly tests: readonly ImageUse[];
  readonly warnings: readonly FindingWarning[];
}

/**
 * Returns the choice. An exclusion that matches no image is most likely a typing error and gives a
 * warning.
 */
export function chooseImages(
  found: readonly ImageUse[],
  spec: Pick<BundleSpec, "extraImages" | "excludedImages" | "includeTests">,
): ImageChoice {
  const uses = new Map<string, ImageUse>();
  for (const use of found) {
    if (use.required || (spec.includeTests && isTestImage(use))) uses.set(use.normalized, use);
  }
  for (const extra of spec.extraImages) {
    const normalized = formatReference(parseReference(extra.reference));
    const known = found.find((use) => use.normalized === normalized);
    uses.set(normalized, withSpecEvidence(known, extra, normalized));
  }
  const warnings: FindingWarning[] = [];
  const excluded: ExcludedImage[] = [];
  for (const exclusion of spec.excludedImages) {
    if (uses.delete(formatReference(parseReference(exclusion.reference)))) {
      excluded.push(exclusion);
    } else {
      warnings.push({
        code: "exclusion-unused",
        message: `${exclusion.reference} is in images.exclude, but no chart uses it`,
        incomplete: false,
      });
    }
  }
  const names = new Set<string>(excluded.map(({ reference }) => normalizeReference(reference)));
  const tests = found.filter(
    (use) => isTestImage(use) && !uses.has(use.normalized) && !names.has(use.normalized),
  );
  const chosen = [...uses.values()].sort((one, other) => (one.normalized < other.normalized ? -1 : 1));
  return { chosen, excluded, tests, warnings };
}

function withSpecEvidence(
  known: ImageUse | undefined,
  { reference, rehearsed }: ExtraImage,
  normalized: NormalizedReference,
): ImageUse {
  const evidence = {
    rule: rehearsed === undefined ? "spec" : "rehearsed",
    chart: "",
    template: "",
    object: rehearsed ?? "",
    path: "images.include",
    value: reference,
  };
  return {
    reference: known?.reference ?? reference,
    normalized,
    required: true,
    confidence: "certain",
    evidence: [...(known?.evidence ?? []), evidence],
  };
}
