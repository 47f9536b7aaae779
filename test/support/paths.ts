// Paths for tests.
import { join, resolve } from "node:path";

/** The root of the repository. */
export const ROOT = resolve(import.meta.dirname, "../..");

/**
 * Returns a path in the folder of shared test data: `VIOLA_SHARED`, or `../shared` next to the
 * repository. Requires `needs("shared")`.
 */
export function sharedPath(...names: string[]): string {
  return join(process.env["VIOLA_SHARED"] ?? join(ROOT, "../shared"), ...names);
}
