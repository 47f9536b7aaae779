// Parses external JSON and validates it with a schema; errors have the path of every invalid field.
import * as z from "zod";
import { formatPath } from "./json.js";

/** Limits the errors in a message. A document with more errors is most likely of another kind. */
const MAX_COMPLAINTS = 10;

/**
 * Returns the error to throw. `what` lists up to ten invalid fields, each as `PATH: PROBLEM`, or
 * says that the text is not JSON, with the `cause`.
 */
export type Complain = (what: string, cause?: SyntaxError) => Error;

/** The type with all properties read-only, at any depth. */
export type ReadonlyDeep<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [K in keyof T]: ReadonlyDeep<T[K]> };

/** Limits of a document. They keep parsing short, and its result small. */
export interface JsonLimits {
  /** Characters, or bytes of a text that is not decoded yet. */
  readonly length: number;
  /** Levels of nested objects and arrays. */
  readonly depth: number;
  /** Values of any type. Each can become an object or an error message of a hundred times its size. */
  readonly values: number;
  /** Characters of one string, 1 MiB when absent. */
  readonly text?: number;
}

/** Far more than any document needs that has no limits of its own. */
export const DEFAULT_LIMITS: JsonLimits = { length: 8 * 1024 * 1024, depth: 200, values: 200_000 };
const MAX_TEXT = 1024 * 1024;

/**
 * Returns the limit that the document exceeds, or undefined. Call it before parsing. It scans the
 * text, or its bytes in UTF-8, once without building objects.
 */
export function findExcess(
  json: string | Uint8Array,
  { length, depth, values, text = MAX_TEXT }: JsonLimits,
): string | undefined {
  const isDecoded = typeof json === "string";
  if (json.length > length) return `it has more than ${length} ${isDecoded ? "characters" : "bytes"}`;
  let level = 0;
  let count = 1;
  /** Where the string began; -1 outside of strings. */
  let quote = -1;
  for (let index = 0; index < json.length; index++) {
    const character = isDecoded ? json.charCodeAt(index) : json[index];
    if (quote >= 0) {
      if (character === BACKSLASH) index++;
      else if (character === QUOTE) quote = -1;
      else if (index - quote > text) return `it has a text of more than ${text} characters`;
    } else if (character === QUOTE) quote = index;
    else if (character === COMMA) count++;
    else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      level++;
      count++;
      if (level > depth) return `it is nested more than ${depth} levels deep`;
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) level--;
    if (count > values) return `it has more than ${values} values`;
  }
  return undefined;
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Parses JSON and returns the output of the schema. Throws the error that `complain` returns, also
 * for a document that exceeds the limits.
 */
export function parseJson<T>(
  text: string,
  schema: z.ZodType<T>,
  complain: Complain,
  limits: JsonLimits = DEFAULT_LIMITS,
): T {
  return parseValue(parseUnchecked(text, complain, limits), schema, complain);
}

/**
 * Validates a parsed value and returns the output of the schema. Throws the error that `complain`
 * returns.
 */
export function parseValue<T>(value: unknown, schema: z.ZodType<T>, complain: Complain): T {
  const result = schema.safeParse(value, { error: messageOf });
  if (result.success) return result.data;
  throw complain(describeIssues(result.error.issues));
}

/**
 * Parses JSON without a schema. Throws the error that `complain` returns, also for a document that
 * exceeds the limits.
 */
export function parseUnchecked(
  text: string,
  complain: Complain,
  limits: JsonLimits = DEFAULT_LIMITS,
): unknown {
  const excess = findExcess(text, limits);
  if (excess !== undefined) throw complain(excess);
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw complain(`not valid JSON: ${cause.message}`, cause);
  }
}

/**
 * Returns the value of JSON from outside, or undefined for text that is not JSON or exceeds the
 * limits. For answers that are optional.
 */
export function readJson(text: string, limits: JsonLimits = DEFAULT_LIMITS): unknown {
  if (findExcess(text, limits) !== undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return undefined;
  }
}

/**
 * Returns the schema of a list that is checked up to its tenth wrong item. The schema of zod
 * collects the errors of all items, and each takes a hundred times the memory of the item.
 */
export function listOf<T>(item: z.ZodType<T>): z.ZodType<T[]> {
  return z.array(z.unknown()).transform((values, context) => {
    const items: T[] = [];
    let wrong = 0;
    for (const [index, value] of values.entries()) {
      const result = item.safeParse(value, { error: messageOf });
      if (result.success) {
        items.push(result.data);
        continue;
      }
      for (const { path, message } of result.error.issues)
        context.addIssue({ code: "custom", path: [index, ...path], message });
      if (++wrong > MAX_COMPLAINTS) break;
    }
    return items;
  });
}

function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  return issue.code === "invalid_type" && issue.input === undefined ? "is missing" : undefined;
}

function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  const complaints = issues.slice(0, MAX_COMPLAINTS).map(({ path, message }) => {
    const field = formatPath(path.map((part) => (typeof part === "symbol" ? String(part) : part)));
    return field === "" ? message : `${field}: ${message}`;
  });
  return [...complaints, ...(issues.length > complaints.length ? ["and more"] : [])].join("; ");
}
