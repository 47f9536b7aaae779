// Parses strings in objects that contain YAML or JSON.
import { readBlockYaml } from "./block-yaml.js";
import { DEFAULT_LIMITS, findExcess, readJson } from "./parse-json.js";
import { parseYaml, toValue, UnusableYaml } from "./parse-yaml.js";

/**
 * Returns the map or list that the text contains as JSON or YAML; undefined for plain text and for
 * invalid input. Throws `UnusableYaml` for a text that is too large or nested too deeply.
 */
export function readStructure(text: string): unknown {
  const start = text.trimStart();
  if (start.startsWith("{") || start.startsWith("[")) {
    const excess = findExcess(start, DEFAULT_LIMITS);
    if (excess !== undefined) throw new UnusableYaml(excess);
    const value = readJson(start);
    // Go templates and YAML flow maps also begin with a brace.
    if (value !== undefined) return value;
  }
  if (!/^[ \t]*(?:-[ \t]+)?["']?[\w./-]+["']?:(?:\s|$)/m.test(text)) return undefined;
  const plain = readBlockYaml(text);
  if (plain !== undefined) return plain;
  try {
    const document = parseYaml(text, {
      schema: "core",
      uniqueKeys: false,
      strict: false,
      logLevel: "silent",
    });
    if (document.errors.length > 0) return undefined;
    const value = toValue(document);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch (cause) {
    if (!(cause instanceof UnusableYaml) || cause.isTooLarge) throw cause;
    return undefined;
  }
}
