// Images on command lines: in flags, variables of scripts, and manifests in scripts.
import {
  commandLines,
  flagsIn,
  flagsInText,
  isScript,
  variablesInText,
  wordsInText,
  type Setting,
  type Word,
} from "./command-line.js";
import { containers, type ContainerAt } from "../../kubernetes/containers.js";
import {
  findFullImage,
  findHostedImage,
  findNamedImage,
  findNamedImages,
  IMAGE_VARIABLE,
  partsOf,
} from "./candidate.js";
import { withSwitch } from "./circumstances.js";
import type { Found, Rule } from "./found.js";
import { findImageLines } from "./image-lines.js";

/** Names of flags that indicate an image. */
const IMAGE_FLAG = /image|reloader|solver|(?:^|[-_.])base(?:[-_.]|$)/i;

/** Searches the command, arguments, probes and hooks of every container. */
export const FLAG: Rule = {
  id: "flag",
  *find({ body }) {
    for (const container of containers(body)) yield* findFlagImages(container);
  },
};

/** Yields the images on the command lines of one container. */
export function* findFlagImages(container: ContainerAt): Iterable<Found> {
  for (const words of commandLines(container)) {
    yield* findOnCommandLine(words);
    for (const { text, path } of words) {
      if (!isScript(text)) continue;
      yield* findInScript(text, path);
      for (const word of wordsInText(text)) {
        const value = word.slice(word.lastIndexOf("=") + 1);
        if (findHostedImage(value)) yield { reference: value, path, value, confidence: "medium" };
      }
    }
  }
}

/** Yields the images in flags. */
export function* findOnCommandLine(words: readonly Word[]): Iterable<Found> {
  const flags = [...flagsIn(words)];
  const values = Object.fromEntries(flags.map(({ name, value }) => [name, value]));
  for (const { name, value, path, text } of flags) {
    for (const reference of findInFlag({ name, value })) {
      const confidence = IMAGE_FLAG.test(name) ? "high" : "medium";
      yield withSwitch({ reference, path, value: text ?? reference, confidence, flag: name }, values, name);
    }
  }
}

/** Yields the images in variables of a script and in manifests in it. */
export function* findInScript(text: string, path: Word["path"]): Iterable<Found> {
  const variables = /image/i.test(text) ? variablesInText(text) : [];
  for (const { name, value } of variables) {
    if (!IMAGE_VARIABLE.test(name) || findNamedImage(value, name) === undefined) continue;
    yield { reference: value, path, value, confidence: "high" };
  }
  yield* findImageLines(text, path);
}

/**
 * Returns the images in the value of a flag: a reference, a list of them, or `name=reference`
 * pairs.
 */
export function findInFlag({ name, value }: Setting): readonly string[] {
  if (/image/i.test(name)) return findNamedImages(value, name);
  // The value of `-c` is a script, which is parsed separately.
  if (isScript(value)) return [];
  const find = IMAGE_FLAG.test(name) ? findFullImage : findHostedImage;
  return partsOf(value).filter((part) => find(part) !== undefined);
}

/** Returns the images of flags in a text whose names indicate an image. */
export function findFlagsInText(text: string): readonly string[] {
  if (!/image/i.test(text)) return [];
  return [...flagsInText(text)].filter(({ name }) => /image/i.test(name)).flatMap(findInFlag);
}
