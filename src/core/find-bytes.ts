// Reads sizes that people write, such as 500MB.

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

/** Returns the bytes of `500MB`, `4GiB` or a plain number; undefined for other text. */
export function findBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const factor = FACTORS.get(match?.[2]?.toLowerCase() ?? "?");
  return match === null || factor === undefined ? undefined : Math.round(Number(match[1]) * factor);
}
