// Parses YAML files written by users and validates them with a schema; every error has line and
// column.
import { isNode, isMap, isScalar, LineCounter, type Document } from "yaml";
import { z } from "zod";
import { ManyErrors, ViolaError, type ErrorCode } from "../errors.js";
import { parseYaml, toValue, UnusableYaml } from "./parse-yaml.js";

/** Errors of one file that are reported. A file with more is most likely of another kind. */
const MAX_ERRORS = 10;

/**
 * Parses `text` and returns the output of `schema`. An empty file counts as an empty map. `file` is
 * the name used in messages.
 * Throws up to ten errors at once, each with `code` and a message of the form `FILE:LINE:COLUMN: FIELD:
 * PROBLEM`.
 */
export function parseYamlFile<T>(text: string, file: string, schema: z.ZodType<T>, code: ErrorCode): T {
  const lines = new LineCounter();
  const usable = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      if (!(cause instanceof UnusableYaml)) throw cause;
      throw new ViolaError(code, `${file}: the file ${cause.message}`, { subject: file, cause });
    }
  };
  const document = usable(() => parseYaml(text, { lineCounter: lines, prettyErrors: false }));
  const complain = (offset: number, what: string): ViolaError => {
    const { line, col } = lines.linePos(offset);
    const subject = `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
    return new ViolaError(code, `${subject}: ${what}`, { subject });
  };
  if (document.errors.length > 0) {
    throw oneOrMany(
      file,
      document.errors.slice(0, MAX_ERRORS).map((error) => complain(error.pos[0], error.message)),
    );
  }
  const content = usable(() => toValue(document)) ?? {};
  const result = schema.safeParse(content, {
    error: (issue) => (issue.code === "invalid_type" && issue.input === undefined ? "is missing" : undefined),
  });
  if (result.success) return result.data;
  throw oneOrMany(
    file,
    result.error.issues
      .slice(0, MAX_ERRORS)
      .flatMap(issuePlaces)
      .slice(0, MAX_ERRORS)
      .map(({ path, message }) =>
        complain(offsetOf(document, path), path.length === 0 ? message : `${formatPath(path)}: ${message}`),
      ),
  );
}

/** Returns an object schema that rejects unknown keys and suggests the most similar known key. */
export function strictObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => unknownKey(key, Object.keys(shape))).join("\n")
        : undefined,
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = findNearest(key, known);
  return near === undefined
    ? `is not a known field; the fields are ${known.join(", ")}`
    : `is not a known field; did you mean ${near}?`;
}

/**
 * Returns the candidate with the smallest edit distance to `word`, or undefined when none is
 * similar enough for a typing error.
 */
export function findNearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(word.length / 3));
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((one, other) => one.distance - other.distance);
  return ranked[0]?.candidate;
}

/** The Levenshtein distance, computed row by row. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(one).entries()) {
    const next = [i + 1];
    for (const [j, against] of Array.from(other).entries()) {
      const replaced = (row[j] ?? 0) + (letter === against ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

interface Place {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * Splits an issue about unknown keys, whose path is that of the object, into one place for each
 * key.
 */
function issuePlaces(issue: z.core.$ZodIssue): readonly Place[] {
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, message: issue.message }];
  const messages = issue.message.split("\n");
  return issue.keys.map((key, index) => ({
    path: [...issue.path, key],
    message: messages[index] ?? issue.message,
  }));
}

/**
 * Returns the offset of the field: that of its key, of its value, or else of the nearest enclosing
 * node.
 */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const last = path[length - 1];
    const parent: unknown = document.getIn(path.slice(0, length - 1), true) ?? document.contents;
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(last));
      if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0];
    }
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

/** Formats a path as `charts[0].release`. */
function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

function oneOrMany(file: string, errors: readonly ViolaError[]): ViolaError {
  const [first] = errors;
  return errors.length === 1 && first !== undefined ? first : new ManyErrors(`${file} is not valid`, errors);
}
