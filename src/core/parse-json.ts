// JSON from outside: text and a schema in, a checked value out, or the path of every field that is wrong.
import type { z } from "zod";
import { formatPath } from "./json.js";

/** A document with more errors than this is another kind of document: its first errors say enough. */
const MAX_COMPLAINTS = 10;

/**
 * Makes the error to throw. `what` lists the fields that are wrong, ten at most, each as `PATH: WHAT`, or says that the text is not
 * JSON, with the `cause`.
 */
export type Complain = (what: string, cause?: SyntaxError) => Error;

/** The type with everything in it read-only. */
export type ReadonlyDeep<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [K in keyof T]: ReadonlyDeep<T[K]> };

/** What a document may be made of at most. */
export interface JsonLimits {
  /** Characters of the text. */
  readonly length: number;
  /** Objects and lists inside one another. */
  readonly depth: number;
  /** Values of any kind. Each can become an object, or a complaint, of a hundred times its size. */
  readonly values: number;
}

/**
 * Says which limit the text exceeds, or returns undefined. To be asked before the text is parsed: it is read once, a character at a
 * time, and nothing is built from it.
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

/** Reads JSON and returns what the schema makes of it. Throws what `complain` returns. */
export function parseJson<T>(text: string, schema: z.ZodType<T>, complain: Complain): T {
  return parseValue(parseUnchecked(text, complain), schema, complain);
}

/** Returns what the schema makes of a value that was read before. Throws what `complain` returns. */
export function parseValue<T>(value: unknown, schema: z.ZodType<T>, complain: Complain): T {
  const result = schema.safeParse(value, { error: messageOf });
  if (result.success) return result.data;
  throw complain(describeIssues(result.error.issues));
}

/** Reads JSON of any shape. Throws what `complain` returns. */
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
