// Images in environment variables: RELATED_IMAGE_*, *_IMAGE, and maps with one image per line.
import { isScript } from "./command-line.js";
import { findHostedImage, findNamedImages, IMAGE_VARIABLE, partsOf } from "./candidate.js";
import { withSwitch } from "./circumstances.js";
import { findFlagsInText } from "./flag.js";
import type { Found, Rule } from "./found.js";
import { findInStructure, mayBeStructure } from "./inner-structure.js";
import { findSplitValues } from "./split-values.js";
import { isRecord, textOf, type Path } from "../../json.js";
import { containers, type ContainerAt } from "../../kubernetes/containers.js";

/** Searches `env` of every container. */
export const ENVIRONMENT: Rule = {
  id: "environment",
  *find({ body }) {
    for (const container of containers(body)) yield* findEnvironmentImages(container);
  },
};

/** A variable with a literal value. */
interface Variable {
  readonly name: string;
  readonly value: string;
  readonly path: Path;
}

/** Yields the images among the literal environment values of one container. */
export function* findEnvironmentImages(container: ContainerAt): Iterable<Found> {
  const variables = variablesOf(container);
  const values = Object.fromEntries(variables.map(({ name, value }) => [name, value]));
  for (const { name, value, path } of variables) {
    if (mayBeStructure(value) && /^\s*[{[]/.test(value)) {
      yield* findInStructure(value, path);
      continue;
    }
    for (const reference of imagesIn(value, name)) {
      const confidence = IMAGE_VARIABLE.test(name) ? "high" : "medium";
      yield withSwitch({ reference, path, value, confidence }, values, name);
    }
  }
  for (const { name, reference, isNamedImage } of findSplitValues(values)) {
    const path = variables.find((variable) => variable.name === name)?.path ?? container.path;
    // A repository with a version may be a code repository.
    if (!isNamedImage && findHostedImage(reference) === undefined) continue;
    yield withSwitch({ reference, path, value: reference, confidence: "high" }, values, name);
  }
}

function variablesOf({ path, container }: ContainerAt): readonly Variable[] {
  const variables = container["env"];
  return (Array.isArray(variables) ? variables : []).flatMap((variable: unknown, index): Variable[] => {
    const name = isRecord(variable) ? textOf(variable["name"]) : undefined;
    const value = isRecord(variable) ? textOf(variable["value"]) : undefined;
    return name === undefined || value === undefined
      ? []
      : [{ name, value, path: [...path, "env", index, "value"] }];
  });
}

/** Values are references, lines of references or `key=reference` (Strimzi), or command lines. */
function imagesIn(value: string, name: string): readonly string[] {
  const parts = IMAGE_VARIABLE.test(name)
    ? findNamedImages(value, name)
    : partsOf(value).filter((part) => findHostedImage(part) !== undefined);
  const isCommandLine = isScript(value) || value.startsWith("-");
  return [...new Set([...parts, ...(isCommandLine ? findFlagsInText(value) : [])])];
}
