// Text files and strings of scripts -> suspects: YAML and JSON by the rules for configuration, other text by lines and quotes.
import { findInText } from "../rules/config-text.js";
import { readImageName, type ImageName } from "./image-name.js";
import type { FileSuspect, SuspectRule } from "./suspect.js";

/** What stands between quotes, or between white space, equal signs and commas, in a line of a script. */
const WORD = /[a-z0-9][\w./-]*(?::\d+\/[\w./-]+)?[:@][\w.:@-]*\w/g;
const BORDER_BEFORE = /["'`\s=,([{]$|^$/;
const BORDER_AFTER = /^["'`\s,)\]};]|^$/;
const COMMENT = /^\s*(?:#|\/\/|\*)/;
const NO_HOSTS: ReadonlySet<string> = new Set();

/** Returns the images that a document names, such as a manifest or a chart's values: read as the value of a ConfigMap would be. */
export function findInDocument(text: string, offset: number): readonly FileSuspect[] {
  if (!/image|\bhub\b/i.test(text)) return [];
  return [...findInText("", text, [])].flatMap(({ reference, confidence }) => {
    const name = readImageName(reference, NO_HOSTS);
    if (name?.tag === undefined || confidence === "low") return [];
    return [exact(reference, name, "text", offset, "a document in the program has it in an image field")];
  });
}

/** Returns the images that a script names: whole references with a tag, alone between quotes or spaces, not in comments. */
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
          exact(word, name, "text", offset + match.index, "a line of the file has the whole reference"),
        );
      }
    }
    offset += line.length + 1;
  }
  return suspects;
}

/** Returns the suspects among strings that are whole, such as those of a Java class. */
export function findInStrings(strings: readonly string[], rule: SuspectRule): readonly FileSuspect[] {
  return strings.flatMap((text) => {
    const name = readImageName(text, NO_HOSTS);
    if (name?.tag === undefined || !text.includes("/")) return [];
    return [exact(text, name, rule, 0, "a constant is the whole reference")];
  });
}

/** In text, a name without a registry counts only where the line speaks of an image. */
function isCertain({ host, tag }: ImageName, before: string): boolean {
  return tag !== undefined && (host === "known" || /image/i.test(before));
}

function exact(
  reference: string,
  { repository, tag }: ImageName,
  rule: SuspectRule,
  offset: number,
  because: string,
): FileSuspect {
  return {
    reference,
    repository,
    ...(tag !== undefined && { tag }),
    certainty: "exact",
    rule,
    offset,
    because,
  };
}
