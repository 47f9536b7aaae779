// YAML that people write: text and a schema in, a checked value out, or every complaint with its line and column.
import { isNode, isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { ManyErrors, ViolaError, type ErrorCode } from "../errors.js";

/**
 * Reads `text` and returns what `schema` makes of it; an empty file counts as an empty map. `file` is the name shown in messages.
 * Throws one error with `code` for each thing that is wrong, all at once, each as `FILE:LINE:COLUMN: FIELD: WHAT`.
 */
export function parseYamlFile<T>(text: string, file: string, schema: z.ZodType<T>, code: ErrorCode): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const complain = (offset: number, what: string): ViolaError => {
    const { line, col } = lines.linePos(offset);
    const subject = `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
    return new ViolaError(code, `${subject}: ${what}`, { subject });
  };
  if (document.errors.length > 0) {
    throw oneOrMany(
      file,
      document.errors.map((error) => complain(error.pos[0], error.message.split("\n", 1)[0] ?? error.code)),
    );
  }
  const result = schema.safeParse(document.toJS() ?? {}, {
    error: (issue) => (issue.code === "invalid_type" && issue.input === undefined ? "is missing" : undefined),
  });
  if (result.success) return result.data;
  throw oneOrMany(
    file,
    result.error.issues.flatMap((issue) =>
      issuePlaces(issue).map(({ path, message }) =>
        complain(offsetOf(document, path), path.length === 0 ? message : `${formatPath(path)}: ${message}`),
      ),
    ),
  );
}

/** An object schema that refuses unknown keys and names the nearest known one. */
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
    ? `is not known; known are ${known.join(", ")}`
    : `is not known; did you mean ${near}?`;
}

/** Returns the candidate with the fewest edits to `word`, or undefined when none is near enough to be a slip. */
export function findNearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(word.length / 3));
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((one, other) => one.distance - other.distance);
  return ranked[0]?.candidate;
}

/** Levenshtein's distance, row by row. */
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

/** An issue about unknown keys stands at the object; each key gets a place of its own. */
function issuePlaces(issue: z.core.$ZodIssue): readonly Place[] {
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, message: issue.message }];
  const messages = issue.message.split("\n");
  return issue.keys.map((key, index) => ({
    path: [...issue.path, key],
    message: messages[index] ?? issue.message,
  }));
}

/** Returns where the field stands in the text: its key where it has one, else the nearest thing around it. */
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

/** Writes `charts[0].release`. */
function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

function oneOrMany(file: string, errors: readonly ViolaError[]): ViolaError {
  const [first] = errors;
  return errors.length === 1 && first !== undefined
    ? first
    : new ManyErrors(`${file}: ${errors.length} things are wrong`, errors);
}
