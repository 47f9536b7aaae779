// Applies `warnings.silence` of the spec to warnings about the list of images.
import type { FindingWarning } from "../images/image-use.js";
import { normalizeReference } from "../images/reference.js";
import type { SilencedWarning } from "./bundle-spec.js";

/**
 * Returns the warnings. A silenced one has the reason and no longer makes the list incomplete. An
 * entry of the spec that matches no warning is out of date or a typing error, and gives a warning
 * itself.
 */
export function silenceWarnings(
  warnings: readonly FindingWarning[],
  silences: readonly SilencedWarning[],
): readonly FindingWarning[] {
  const used = new Set<SilencedWarning>();
  const kept = warnings.map((warning): FindingWarning => {
    const silence = silences.find((entry) => matches(entry, warning));
    if (silence === undefined) return warning;
    used.add(silence);
    return { ...warning, incomplete: false, silenced: silence.reason };
  });
  const unused = silences
    .filter((silence) => !used.has(silence))
    .map(({ code, subject }): FindingWarning => ({
      code: "silence-unused",
      message: `${code}${subject === undefined ? "" : ` for ${subject}`} is in warnings.silence, but there is no such warning`,
      hint: "Remove the entry from warnings.silence of the spec, or correct its code and subject.",
      incomplete: false,
    }));
  return [...kept, ...unused];
}

/**
 * True if the code is the same and the subject, if there is one, is the object, the chart or an image
 * of the warning.
 */
function matches({ code, subject }: SilencedWarning, warning: FindingWarning): boolean {
  if (code !== warning.code) return false;
  if (subject === undefined) return true;
  const { object, chart, images = [] } = warning;
  if (subject === object || subject === chart) return true;
  return images.some((image) => normalizeReference(image) === normalizeReference(subject));
}
