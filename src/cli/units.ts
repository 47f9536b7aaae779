// Formats and parses sizes and durations.
import { findBytes } from "../core/find-bytes.js";
import { ViolaError } from "../errors.js";

export { formatBytes } from "../core/format-bytes.js";

/** Formats a duration: `850 ms`, `12 s`, `3 min 05 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Parses `500MB`, `4GiB` or a plain number of bytes. Throws `USAGE`. */
export function parseBytes(text: string): number {
  const bytes = findBytes(text);
  if (bytes === undefined) {
    throw new ViolaError("USAGE", `"${text}" is not a size`, {
      hint: "Write a number with a unit, such as 500MB or 4GiB.",
    });
  }
  return bytes;
}
