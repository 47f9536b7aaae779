// Parses YAML files written by users and validates them with a schema; every error has line and
// column.
import { isNode, isMap, isScalar, LineCounter, type Document } from "yaml";
import * as z from "zod";
import { oneOrMany, ViolaError, type ErrorCode } from "../errors.js";
import { isRecord } from "./json.js";
import { findNearest } from "./nearest.js";
import { parseYaml, toValue, UnusableYaml } from "./parse-yaml.js";

/** Errors of one file that are reported. A file with more is most likely of another kind. */
const MAX_ERRORS = 10;

/** The text of a YAML file, parsed without a schema. */
export interface YamlSource {
  /** The value of the first document; an empty file is an empty map. */
  readonly value: unknown;
  /** Errors of the syntax, with positions. */
  readonly errors: readonly ViolaError[];
  /** False when the syntax errors leave the structure of the file uncertain. */
  readonly isReadable: boolean;
  /** Returns the error about a field, whose message is `FILE:LINE:COLUMN: FIELD: PROBLEM`. */
  readonly errorAt: (path: readonly PropertyKey[], problem: string, hint?: string) => ViolaError;
}

/** Our messages and hints for errors of the syntax, by the codes of the yaml package. */
const SYNTAX: ReadonlyMap<string, { readonly problem?: string; readonly hint: string }> = new Map([
  ["TAB_AS_INDENT", { problem: "a line is indented with a tab", hint: "Indent with spaces." }],
  [
    "MULTIPLE_DOCS",
    { problem: "a second document begins", hint: "Keep one document: remove `---` and what follows it." },
  ],
  ["BLOCK_AS_IMPLICIT_KEY", { hint: "Check the indentation, and write text that contains `: ` in quotes." }],
]);
const SYNTAX_HINT = "Check indentation, colons, quotes and brackets here and in the line before.";
/** Syntax errors after which the structure of the file is still certain. */
const HARMLESS: ReadonlySet<string> = new Set(["TAB_AS_INDENT", "DUPLICATE_KEY"]);

/** Parses the text. `file` is the name used in messages, and `code` that of the errors. */
export function readYaml(text: string, file: string, code: ErrorCode): YamlSource {
  const lines = new LineCounter();
  const document = usable(() => parseYaml(text, { lineCounter: lines }));
  const complain = (offset: number, what: string, hint?: string): ViolaError => {
    const { line, col } = lines.linePos(offset);
    const subject = `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
    return new ViolaError(code, `${subject}: ${what}`, { subject, ...(hint !== undefined && { hint }) });
  };
  if (document instanceof UnusableYaml) {
    const error = complain(0, `the file ${document.message}`, "Use a file of this kind.");
    return { value: undefined, errors: [error], isReadable: false, errorAt: () => error };
  }
  const errors = document.errors.slice(0, MAX_ERRORS).map(({ code: kind, pos: [start], message }) => {
    if (kind === "DUPLICATE_KEY") {
      const key = /^[^\s:]+/.exec(text.slice(start))?.[0] ?? "a field";
      return complain(start, `${key}: is given twice`, "Keep one of them, or merge them.");
    }
    const { problem = message, hint } = SYNTAX.get(kind) ?? { hint: SYNTAX_HINT };
    return complain(start, problem, hint);
  });
  const content = usable(() => toValue(document));
  const value = content instanceof UnusableYaml ? undefined : (content ?? {});
  // Such as an alias without an anchor, or too many aliases.
  if (content instanceof UnusableYaml)
    errors.push(complain(0, `the file ${content.message}`, "Write the values instead of the aliases."));
  return {
    value,
    errors,
    isReadable: value !== undefined && document.errors.every(({ code: kind }) => HARMLESS.has(kind)),
    errorAt: (path, problem, hint) =>
      complain(
        offsetOf(document, path),
        path.length === 0 ? problem : `${formatPath(path)}: ${problem}`,
        hint,
      ),
  };
}

function usable<T>(work: () => T): T | UnusableYaml {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof UnusableYaml)) throw cause;
    return cause;
  }
}

/** The output of a schema, or the errors of a file. */
export type Checked<T> =
  | { readonly data: T; readonly errors: readonly [] }
  | { readonly data?: never; readonly errors: readonly ViolaError[] };

/** Checks the value against the schema. The errors include those of the syntax. */
export function checkYaml<T>(
  { value, errors, isReadable, errorAt }: YamlSource,
  schema: z.ZodType<T>,
): Checked<T> {
  if (!isReadable) return { errors };
  const result = schema.safeParse(value, { error: (issue) => messageOf(issue) });
  if (!result.success) {
    const places = result.error.issues.slice(0, MAX_ERRORS).flatMap(issuePlaces).slice(0, MAX_ERRORS);
    const described = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
    return {
      errors: [
        ...errors,
        ...places.map(({ path, message, hint }) =>
          errorAt(path, message, hint ?? describeField(described, path)),
        ),
      ],
    };
  }
  return errors.length > 0 ? { errors } : { data: result.data, errors: [] };
}

/**
 * Parses `text` and returns the output of `schema`. An empty file counts as an empty map. `file` is
 * the name used in messages.
 * Throws all errors at once, each with `code`, a hint, and a message of the form `FILE:LINE:COLUMN:
 * FIELD: PROBLEM`.
 */
export function parseYamlFile<T>(text: string, file: string, schema: z.ZodType<T>, code: ErrorCode): T {
  const { data, errors } = checkYaml(readYaml(text, file, code), schema);
  if (data === undefined) throw oneOrMany(`${file} is not valid`, errors);
  return data;
}

/** What a value of a YAML file is called. */
const TYPES: Readonly<Record<string, string>> = {
  array: "a list",
  object: "a map",
  record: "a map",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  null: "empty",
};

function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== "invalid_type") return undefined;
  if (issue.input === undefined) return "is missing";
  const expected = TYPES[issue.expected] ?? issue.expected;
  return `must be ${expected}, but is ${TYPES[typeOf(issue.input)] ?? typeOf(issue.input)}`;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/**
 * Returns what a schema says about a field, or else about the nearest field around it, as a hint.
 * `schema` is a JSON schema.
 */
function describeField(schema: unknown, path: readonly PropertyKey[]): string | undefined {
  let hint: string | undefined;
  let node = schema;
  for (const [index, part] of path.entries()) {
    if (!isRecord(node)) break;
    const fields = node["properties"];
    const isField = isRecord(fields) && Object.hasOwn(fields, part);
    node = typeof part === "number" ? node["items"] : isField ? fields[String(part)] : undefined;
    const description = isRecord(node) ? node["description"] : undefined;
    if (typeof description === "string") hint = `${formatPath(path.slice(0, index + 1))}: ${description}`;
  }
  return hint;
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

interface Place {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly hint?: string;
}

/**
 * Splits an issue about unknown keys, whose path is that of the object, into one place for each
 * key.
 */
function issuePlaces(issue: z.core.$ZodIssue): readonly Place[] {
  const { path, message } = issue;
  if (issue.code === "invalid_type" && issue.expected === "array" && message.startsWith("must")) {
    return [{ path, message, hint: "Write a list: begin each entry with `- `, or put the entries in [ ]." }];
  }
  if (issue.code === "invalid_type" && message.endsWith("is a list")) {
    return [{ path, message, hint: "Remove the `- ` before it, or the [ ] around it." }];
  }
  if (issue.code !== "unrecognized_keys") return [{ path, message }];
  const messages = message.split("\n");
  return issue.keys.map((key, index) => ({
    path: [...path, key],
    message: messages[index] ?? message,
    hint: "Correct the name of the field, or remove it.",
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
