// Parses external JSON and validates it with a schema; errors have the path of every invalid field.
import type { z } from "zod";
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

/** Limits of a document. */
export interface JsonLimits {
  /** Characters. */
  readonly length: number;
  /** Levels of nested objects and arrays. */
  readonly depth: number;
  /** Values of any type. Each can become an object or an error message of a hundred times its size. */
  readonly values: number;
}

/**
 * Returns the limit that the document exceeds, or undefined. Call it before parsing. It scans the
 * text once without building objects.
 */
export function findExcess(json: string, { length, depth, values }: JsonLimits): string | undefined {
  if (json.length > length) return `it has more than ${length} characters`;
  let level = 0;
  let count = 1;
  let isInString = false;
  for (let index = 0; index < json.length; index++) {
    const character = json.charCodeAt(index);
    if (isInString) {
      if (character === BACKSLASH) index++;
      else if (character === QUOTE) isInString = false;
    } else if (character === QUOTE) isInString = true;
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

/** Parses JSON and returns the output of the schema. Throws the error that `complain` returns. */
export function parseJson<T>(text: string, schema: z.ZodType<T>, complain: Complain): T {
  return parseValue(parseUnchecked(text, complain), schema, complain);
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

/** Parses JSON without a schema. Throws the error that `complain` returns. */
export function parseUnchecked(text: string, complain: Complain): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw complain(`not valid JSON: ${cause.message}`, cause);
  }
}

function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  return issue.code === "invalid_type" && issue.input === undefined ? "is missing" : undefined;
}

function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  const complaints = issues.slice(0, MAX_COMPLAINTS).map(({ path, message }) => {
    const field = formatPath(path.map((part) => (typeof part === "symbol" ? String(part) : part)));
    return field === "" ? message : `${field}: ${message}`;
  });
  const more = issues.length - complaints.length;
  return [...complaints, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
}
