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
