// Formats and parses sizes and durations.
import { ViolaError } from "../errors.js";

export { formatBytes } from "../core/format-bytes.js";

const FACTORS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ["k", 1e3],
  ["kb", 1e3],
  ["kib", 2 ** 10],
  ["m", 1e6],
  ["mb", 1e6],
  ["mib", 2 ** 20],
  ["g", 1e9],
  ["gb", 1e9],
  ["gib", 2 ** 30],
  ["t", 1e12],
  ["tb", 1e12],
  ["tib", 2 ** 40],
]);

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
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const factor = FACTORS.get(match?.[2]?.toLowerCase() ?? "?");
  if (match === null || factor === undefined) {
    throw new ViolaError("USAGE", `"${text}" is not a size`, {
      hint: "Write a number with a unit, such as 500MB or 4GiB.",
    });
  }
  return Math.round(Number(match[1]) * factor);
}
