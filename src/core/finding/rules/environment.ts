// Images that a program gets by environment variable: RELATED_IMAGE_*, *_IMAGE, and maps of one image a line.
import { findFullImage, findHostedImage, findImage, hasTagOrDigest } from "./candidate.js";
import type { Found, Rule } from "./found.js";
import { findInStructure, mayBeStructure } from "./inner-structure.js";
import { findSplitValues } from "./split-values.js";
import { isRecord, textOf } from "../../json.js";
import { containers, type ContainerAt } from "../../kubernetes/containers.js";

/** `FOO_IMAGE`, `RELATED_IMAGE_FOO`, `FOO_IMAGES`, `FOO_IMAGE_NAME`. */
const IMAGE_VARIABLE = /(?:^|_)IMAGES?(?:_|$)|IMAGE$/i;

/** `env` of every container. */
export const ENVIRONMENT: Rule = {
  id: "environment",
  *find({ body }) {
    for (const container of containers(body)) yield* findEnvironmentImages(container);
  },
};

/** Yields the images among the literal environment values of one container. */
export function* findEnvironmentImages({ path, container }: ContainerAt): Iterable<Found> {
  const variables = container["env"];
  if (!Array.isArray(variables)) return;
  const values: [string, string][] = [];
  for (const [index, variable] of variables.entries()) {
    const name = isRecord(variable) ? textOf(variable["name"]) : undefined;
    const value = isRecord(variable) ? textOf(variable["value"]) : undefined;
    if (name === undefined || value === undefined) continue;
    if (mayBeStructure(value) && /^\s*[{[]/.test(value)) {
      yield* findInStructure(value, [...path, "env", index, "value"]);
      continue;
    }
    values.push([name, value]);
    for (const reference of imagesIn(value, name)) {
      const confidence = IMAGE_VARIABLE.test(name) ? "high" : "medium";
      yield { reference, path: [...path, "env", index, "value"], value, confidence };
    }
  }
  for (const { name, reference, isNamedImage } of findSplitValues(Object.fromEntries(values))) {
    const index = variables.findIndex((variable) => isRecord(variable) && variable["name"] === name);
    // A repository beside a version may be one of code.
    if (isNamedImage || findHostedImage(reference) !== undefined) {
      yield { reference, path: [...path, "env", index, "value"], value: reference, confidence: "high" };
    }
  }
}

/** A value is a reference, or lines of references or of `key=reference` (strimzi). */
function imagesIn(value: string, name: string): string[] {
  const parts = value
    .split(/[\s,;]+/)
    .map((part) => part.slice(part.lastIndexOf("=") + 1))
    .filter((part) => part !== "");
  if (!IMAGE_VARIABLE.test(name)) return parts.filter((part) => findHostedImage(part) !== undefined);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && hasTagOrDigest(only) && findImage(only)) return [only];
  return parts.filter((part) => findFullImage(part) !== undefined);
}
