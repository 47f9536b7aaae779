// The checksum of `bundle.json` in `bundle.json` itself: everything else in a bundle has its checksum
// there, so with this one a change of any byte of the file is found.
import { createHash } from "node:crypto";

const FIELD = '"checksum": "';
const PREFIX = "sha256:";
const HEX_DIGITS = 64;

/** The value of the field until `sealInventory` replaces it; the checksum is calculated with it. */
export const NO_CHECKSUM = `${PREFIX}${"0".repeat(HEX_DIGITS)}`;

/** Writes the checksum of the bytes into the field, which the last `"checksum"` in them is. */
export function sealInventory(bytes: Buffer): void {
  const at = findChecksum(bytes);
  if (at === undefined) throw new TypeError("bundle.json has no field for its checksum");
  bytes.write(checksumOf(bytes, at), at);
}

/** Returns whether the checksum is right, or undefined when the bytes have none. */
export function isSealed(bytes: Buffer): boolean | undefined {
  const at = findChecksum(bytes);
  return at === undefined
    ? undefined
    : bytes.toString("latin1", at, at + NO_CHECKSUM.length) === checksumOf(bytes, at);
}

function findChecksum(bytes: Buffer): number | undefined {
  const field = bytes.lastIndexOf(FIELD);
  const at = field + FIELD.length;
  return field < 0 || at + NO_CHECKSUM.length > bytes.length ? undefined : at;
}

function checksumOf(bytes: Buffer, at: number): string {
  const hash = createHash("sha256");
  hash
    .update(bytes.subarray(0, at))
    .update(NO_CHECKSUM)
    .update(bytes.subarray(at + NO_CHECKSUM.length));
  return `${PREFIX}${hash.digest("hex")}`;
}
