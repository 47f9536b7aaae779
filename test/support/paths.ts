// Where things are that tests reach for by path.
import { join, resolve } from "node:path";

/** The root of the repository. */
export const ROOT = resolve(import.meta.dirname, "../..");

/**
 * Returns a path in the folder of shared test data: `VIOLA_SHARED`, or `../shared` beside the
 * repository. Ask `needs("shared")` first.
 */
export function sharedPath(...names: string[]): string {
  return join(process.env["VIOLA_SHARED"] ?? join(ROOT, "../shared"), ...names);
}
