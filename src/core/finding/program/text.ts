// Finds suspects in text: YAML and JSON by the rules for configuration, scripts by lines and
// quotes.
import { UnusableYaml } from "../../parse-yaml.js";
import { findInText } from "../rules/config-text.js";
import type { Found } from "../rules/found.js";
import { readImageName, type ImageName } from "./image-name.js";
import type { FileSuspect, SuspectRule } from "./suspect.js";

/**
 * A possible reference in a line of a script, between quotes, white space, equal signs or commas.
 */
const WORD = /(?<=^|["'`\s=,([{])[a-z0-9][\w./-]*(?::\d+\/[\w./-]+)?[:@][\w.:@-]*\w/g;
const BORDER_BEFORE = /["'`\s=,([{]$|^$/;
const BORDER_AFTER = /^["'`\s,)\]};]|^$/;
const COMMENT = /^\s*(?:#|\/\/|\*)/;
/** A field of a document that can name an image; a fast check before the document is parsed. */
const IMAGE_FIELD = /(?:image|\bhub)[\w-]{0,64}["']?\s{0,64}[:=]|_IMAGE/i;
/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
const TAG = /^\w[\w.-]{0,127}$/;
const NO_HOSTS: ReadonlySet<string> = new Set();

/**
 * Returns the images in a document such as a manifest or a values file, by the rules for ConfigMap
 * values.
 */
export function findInDocument(text: string, offset: number): readonly FileSuspect[] {
  if (!IMAGE_FIELD.test(text) || isDefinition(text)) return [];
  return findInLimits(text).flatMap(({ reference, confidence }) => {
    const name = readImageName(reference, NO_HOSTS);
    if (name?.tag === undefined || confidence === "low") return [];
    return [
      exact(reference, name, {
        rule: "text",
        offset,
        because: "a document in the program has an image field with it",
      }),
    ];
  });
}

/** True for a single CustomResourceDefinition, whose fields describe images and name none. */
function isDefinition(text: string): boolean {
  const kinds = text.match(/^kind:.*$/gm) ?? [];
  return kinds.length === 1 && kinds[0].includes("CustomResourceDefinition");
}

/** A document that exceeds the limits of YAML, or is nested too deeply, names no images. */
function findInLimits(text: string): readonly Found[] {
  try {
    return [...findInText("", text, [])];
  } catch (cause) {
    if (!(cause instanceof UnusableYaml) && !(cause instanceof RangeError)) throw cause;
    return [];
  }
}

/**
 * Returns the images in a script: complete references with a tag, delimited by quotes or spaces,
 * outside comments.
 */
export function findInScript(text: string): readonly FileSuspect[] {
  const suspects: FileSuspect[] = [];
  let offset = 0;
  for (const line of text.split("\n")) {
    if (line.length < 4096 && !COMMENT.test(line)) {
      for (const match of line.matchAll(WORD)) {
        const [word] = match;
        const before = line.slice(0, match.index);
        if (
          !BORDER_BEFORE.test(before.slice(-1)) ||
          !BORDER_AFTER.test(line.slice(match.index + word.length))
        )
          continue;
        const name = readImageName(word, NO_HOSTS);
        if (name === undefined || !isCertain(name, before)) continue;
        suspects.push(
          exact(word, name, {
            rule: "text",
            offset: offset + match.index,
            because: "the file contains the complete reference",
          }),
        );
      }
    }
    offset += line.length + 1;
  }
  return suspects;
}

/** A variable of the operator that gives the version of an image. */
export interface VersionVariable {
  readonly variable: string;
  readonly repository: string;
}

/** Returns the images in lines of `NAME=value`: references, and the versions that variables give. */
export function findInEnvironment(
  text: string,
  variables: readonly VersionVariable[],
): readonly FileSuspect[] {
  const settled = new Set<string>();
  const named = variables.flatMap(({ variable, repository }): FileSuspect[] => {
    const match = new RegExp(`^${variable}=(.+)$`, "m").exec(text);
    const tag = match?.[1]?.trim() ?? "";
    if (match === null || !TAG.test(tag) || settled.has(repository)) return [];
    settled.add(repository);
    return [
      {
        reference: `${repository}:${tag}`,
        repository,
        tag,
        certainty: "exact",
        rule: "environment",
        offset: match.index,
        because: `the image of the operator sets ${variable} to ${tag}`,
      },
    ];
  });
  return [...named, ...findInScript(text)];
}

/** Returns the suspects among complete strings, such as the constants of a Java class. */
export function findInStrings(strings: readonly string[], rule: SuspectRule): readonly FileSuspect[] {
  return strings.flatMap((text) => {
    const name = readImageName(text, NO_HOSTS);
    if (name?.tag === undefined || !text.includes("/")) return [];
    return [exact(text, name, { rule, offset: 0, because: "a constant is the complete reference" })];
  });
}

/** A name without a known registry counts only when the text before it mentions an image. */
function isCertain({ host, tag }: ImageName, before: string): boolean {
  return tag !== undefined && (host === "known" || /image/i.test(before));
}

function exact(
  reference: string,
  { repository, tag }: ImageName,
  found: Pick<FileSuspect, "rule" | "offset" | "because">,
): FileSuspect {
  return {
    reference,
    repository,
    ...(tag !== undefined && { tag }),
    certainty: "exact",
    ...found,
  };
}
