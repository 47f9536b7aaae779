// Images in strings that are YAML or JSON: values of ConfigMaps and variables, fields of resources.
import type { Found } from "./found.js";
import { readStructure } from "../../embedded-yaml.js";
import type { Path } from "../../json.js";
import { commandLinesIn } from "./command-line.js";
import { withCircumstances } from "./circumstances.js";
import { findOnCommandLine } from "./flag.js";
import { findImageFields } from "./image-fields.js";
import { findPodImages } from "./pod-spec.js";

/** True for text that may be a map or list with images. */
export function mayBeStructure(text: string): boolean {
  return /^\s*[{[]|\n/.test(text) && /image|repository|\bhub\b/i.test(text);
}

/** Yields the images in the text if it is YAML or JSON. */
export function findInStructure(text: string, path: Path): Iterable<Found> {
  return findInParsed(readStructure(text), path);
}

/** Yields the images in a structure that was parsed from the text at the path. */
export function* findInParsed(parsed: unknown, path: Path): Iterable<Found> {
  for (const find of [findPodImages(parsed), findImageFields(parsed, "medium")]) {
    for (const found of find) {
      const qualified = withCircumstances(found, parsed);
      const { alternative } = qualified;
      yield {
        ...qualified,
        path: [...path, ...found.path],
        confidence: "medium",
        ...(alternative && { alternative: { ...alternative, list: [...path, ...alternative.list] } }),
      };
    }
  }
  for (const words of commandLinesIn(parsed, path)) {
    for (const found of findOnCommandLine(words)) {
      if (found.confidence === "high") yield { ...found, confidence: "medium" };
    }
  }
}
