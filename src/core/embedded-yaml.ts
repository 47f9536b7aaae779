// Parses strings in objects that contain YAML or JSON.
import { parseDocument } from "yaml";

/**
 * Returns the map or list that the text contains as JSON or YAML; undefined for plain text and for
 * invalid input.
 */
export function readStructure(text: string): unknown {
  const start = text.trimStart();
  if (start.startsWith("{") || start.startsWith("[")) {
    try {
      return JSON.parse(start);
    } catch {
      // Go templates and YAML flow maps also begin with a brace.
    }
  }
  if (!/^\s*(?:-\s+)?["']?[\w./-]+["']?:(?:\s|$)/m.test(text)) return undefined;
  const { stackTraceLimit } = Error;
  try {
    // In a script every line is a syntax error, and creating the stack traces of the errors takes
    // most of the time.
    Error.stackTraceLimit = 0;
    const document = parseDocument(text, {
      schema: "core",
      uniqueKeys: false,
      strict: false,
      prettyErrors: false,
      logLevel: "silent",
    });
    if (document.errors.length > 0) return undefined;
    const value: unknown = document.toJS();
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    // The structure is nested too deeply or has too many aliases.
    return undefined;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
