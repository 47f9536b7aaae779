// The type of sha256 digests, and the functions that create and convert them.
import { createHash } from "node:crypto";
import * as z from "zod";

declare const checked: unique symbol;

/**
 * `sha256:` and 64 lower-case hex digits. Only the functions of this file create values of this
 * type.
 */
export type Digest = string & { readonly [checked]: "Digest" };

const SHA256_PATTERN = /^sha256:[0-9a-f]{64}$/;

/** Returns the digest of the bytes, or of the text as UTF-8. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return digestFromHex(createHash("sha256").update(bytes).digest("hex"));
}

/**
 * Returns the digest for 64 lower-case hex digits. Throws a `TypeError` for any other text, which
 * is a bug.
 */
export function digestFromHex(hex: string): Digest {
  const digest = `sha256:${hex}`;
  if (!isSha256(digest)) throw new TypeError(`${digest} is not a sha256 digest`);
  return digest;
}

/**
 * True for `sha256:` and 64 lower-case hex digits, the only digest format that registries use
 * today.
 */
export function isSha256(text: string): text is Digest {
  return SHA256_PATTERN.test(text);
}

/** The schema for a digest in external data. */
export const DIGEST_SCHEMA = z.string().refine(isSha256, "must be sha256: and 64 hex digits");

/** Returns the hex part of a digest. */
export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1);
}
