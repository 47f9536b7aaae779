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
