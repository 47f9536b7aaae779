// Text inside of objects that is YAML or JSON itself.
import { parseDocument } from "yaml";

/** Returns the map or list that the text is in JSON or YAML; undefined for plain text, and for what no parser reads. */
export function readStructure(text: string): unknown {
  const start = text.trimStart();
  if (start.startsWith("{") || start.startsWith("[")) {
    try {
      return JSON.parse(start);
    } catch {
      // A Go template begins like JSON, and a flow mapping is YAML.
    }
  }
  if (!/^\s*(?:-\s+)?["']?[\w./-]+["']?:(?:\s|$)/m.test(text)) return undefined;
  const { stackTraceLimit } = Error;
  try {
    // A script makes an error of every line, and most of the time goes into their stack traces, which nobody reads.
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
    // Too deep, or aliases without end: no structure that anything could use.
    return undefined;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
