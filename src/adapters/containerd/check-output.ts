// Reads what `ctr images check` prints.

// REF TYPE DIGEST STATUS SIZE UNPACKED, in columns of changing width; STATUS is `complete (5/5)`, `incomplete (3/5)` or `unavailable (0/?)`.
const COMPLETE_LINE = /^(\S+)\s+\S+\s+(sha256:[0-9a-f]{64})\s+complete \((\d+)\/\3\)/;

/** Returns the digests of those images that are complete, by name. */
export function parseCompleteImages(output: string): ReadonlyMap<string, string> {
  const complete = new Map<string, string>();
  for (const line of output.split("\n")) {
    const [, name, digest] = COMPLETE_LINE.exec(line) ?? [];
    if (name !== undefined && digest !== undefined) complete.set(name, digest);
  }
  return complete;
}
