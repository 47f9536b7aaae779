// Writes text to the terminal: the only place that does. Names, messages and logs come from charts,
// registries and clusters, and must not move the cursor or hide what another line says.

/**
 * C0 except tab and line break, DEL, C1, line and paragraph separators, and the characters that change
 * the direction of text (https://trojansource.codes/). A carriage return may end a line of CSV.
 */
const CONTROL =
  /\r(?!\n)|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Returns the text with every control character written as `\u001b`, which is also how JSON escapes
 * it. Line breaks are kept.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Returns the text for a place that has one line. */
export function singleLine(text: string): string {
  return printable(text.trim().replace(/(?<!\s)\s*[\r\n\u2028\u2029]\s*/g, " "));
}

/** Returns a copy of a report in which no text has a line break or another control character. */
export function singleLines<T>(report: T): T {
  return copyLines(report) as T;
}

function copyLines(value: unknown): unknown {
  if (typeof value === "string") return singleLine(value);
  if (Array.isArray(value)) return value.map(copyLines);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [singleLine(key), copyLines(child)]));
}

/** Writes text from inside or outside. */
export function write(stream: NodeJS.WritableStream, text: string): void {
  stream.write(printable(text));
}
