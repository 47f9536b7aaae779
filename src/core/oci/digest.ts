// sha256 digests of bytes.
import { createHash } from "node:crypto";

const SHA256_PATTERN = /^sha256:[0-9a-f]{64}$/;

/** Returns `sha256:HEX` of the bytes. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * True for `sha256:` and 64 lower-case hex digits, the only digest format that registries use
 * today.
 */
export function isSha256(text: string): boolean {
  return SHA256_PATTERN.test(text);
}

/** Returns the hex part of a digest. */
export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1);
}
