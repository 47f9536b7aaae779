// What a differential bundle leaves out, and the files that only it has.
import { digestOf, hexOf } from "../oci/digest.js";
import type { PlanBase } from "./archive-plan.js";
import { identityOf, type BaseCandidate } from "./base.js";
import { baseNotes } from "./base-note.js";

/**
 * Files of the base of at least this size are left out of a difference: programs, and the packages of
 * large charts. Smaller ones stay, so that most charts can be installed without the base.
 */
const LEAST_HELD_BYTES = 256 * 1024;

/** `bundle` is what the difference makes with the base. */
export function planBase(
  bundle: { readonly name: string; readonly version: string },
  base: BaseCandidate,
): PlanBase {
  const identity = identityOf(base);
  const files = baseNotes(bundle, identity).map((file) => ({ ...file, sha256: hexOf(digestOf(file.bytes)) }));
  // Not all blobs at hand: the base of the base may have blobs that the base itself does not list.
  const held = base.inventory.files.filter(({ size }) => size >= LEAST_HELD_BYTES);
  return {
    identity,
    held: new Map(held.map(({ path, sha256 }) => [path, sha256])),
    blobs: new Set(base.inventory.blobs.map(({ digest }) => digest)),
    files,
  };
}
