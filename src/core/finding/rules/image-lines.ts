// Finds lines `image: ref` and `"image": "ref"` in text without a parser, such as templates.
import type { Path } from "../../json.js";
import { findFullImage, findImage, hasTagOrDigest } from "./candidate.js";
import type { Found } from "./found.js";

/** Yields the images in such lines. */
export function* findImageLines(text: string, path: Path): Iterable<Found> {
  // Each repetition stays in one line, so that many empty lines are read once.
  const line = /(?:^|[{,])[ \t-]*\\*["']?((?!-)[\w.-]*image)\\*["']?[ \t]*[:=]\s*\\*["']?([^\s"',#\\}]+)/gim;
  for (const [, , value = ""] of text.matchAll(line)) {
    if (findFullImage(value) ?? (hasTagOrDigest(value) && findImage(value))) {
      yield { reference: value, path, value, confidence: "medium" };
    }
  }
}
