// The Ed25519 signature of a bundle: its bytes, and how it is checked. RFC 8032.
import { sign, verify } from "node:crypto";
import { ViolaError } from "../../errors.js";
import { isSealed } from "../bundle/inventory-checksum.js";
import { INVENTORY_PATH, SIGNATURE_BYTES } from "../bundle/paths.js";
import type { Digest } from "../oci/digest.js";
import type { PrivateKey, PublicKey } from "./keys.js";

/** The signature of an opened bundle. */
export interface BundleSignature {
  /** Id of the key that it was verified with. Absent if no keys were given. */
  readonly keyId?: Digest;
}

/** The signature as documents show it. */
export interface DescribedSignature {
  readonly algorithm: "ed25519";
  readonly verified: boolean;
  /** Id of the key that it was verified with; null if it was not verified. */
  readonly keyId: Digest | null;
}

/** The keys that a bundle must be signed with. */
export interface RequiredKeys {
  /** Any of them is sufficient. There is at least one. */
  readonly keys: readonly PublicKey[];
  /** Where they come from, for messages: `--key`. */
  readonly source: string;
}

/** Signs the bytes. The same key and bytes give the same signature. */
export function signBytes(bytes: Uint8Array, { key }: PrivateKey): Uint8Array {
  return sign(null, bytes, key);
}

/** Returns the key whose signature this is, or undefined. */
export function findSigner(
  bytes: Uint8Array,
  signature: Uint8Array,
  keys: readonly PublicKey[],
): PublicKey | undefined {
  if (signature.length !== SIGNATURE_BYTES) return undefined;
  return keys.find(({ key }) => verify(null, bytes, key, signature));
}

/** Returns the signature that a program printed, raw or in base64, or undefined for anything else. */
export function readSignature(printed: Uint8Array): Uint8Array | undefined {
  if (printed.length === SIGNATURE_BYTES) return printed;
  const text = Buffer.from(printed).toString("latin1").replaceAll(/\s/g, "");
  if (!/^[A-Za-z0-9+/]{86}(?:==)?$/.test(text)) return undefined;
  return Buffer.from(text, "base64");
}

/**
 * Returns the signature of a bundle, verified if there are keys; undefined for a bundle without one.
 * `inventory` has the bytes of `bundle.json`, which are not parsed. Throws `SIGNATURE_MISSING` and
 * `SIGNATURE_INVALID`, which name the file.
 */
export function checkSignature(
  file: string,
  inventory: Buffer,
  signature: Uint8Array | undefined,
  required: RequiredKeys | undefined,
): BundleSignature | undefined {
  if (required === undefined) return signature === undefined ? undefined : {};
  const { keys, source } = required;
  const ids = keys.map(({ id }) => id).join(", ");
  if (signature === undefined) {
    throw new ViolaError("SIGNATURE_MISSING", `${file} is not signed, but ${source} requires a signature`, {
      subject: file,
      hint: "Build the bundle with --sign-key. Its digest, which `build` prints, is no proof of who built it.",
    });
  }
  const signer = findSigner(inventory, signature, keys);
  if (signer !== undefined) return { keyId: signer.id };
  // Damage leaves a wrong checksum. Somebody who changes a bundle on purpose corrects it.
  const isDamaged = isSealed(inventory) === false;
  throw new ViolaError(
    "SIGNATURE_INVALID",
    isDamaged
      ? `${file}: ${INVENTORY_PATH} was changed after it was signed: its checksum does not match`
      : `${file} is not signed with the key of ${source}, or was changed after it was signed`,
    {
      subject: file,
      hint: isDamaged
        ? "Copy the file again from where it was built."
        : `Compare the id of the key with that of \`keygen\` (${ids}). If it is right, do not use the bundle, and ask who built it.`,
    },
  );
}

/** Returns what documents say about a signature; null for a bundle without one. */
export function describeSignature(signature: BundleSignature | undefined): DescribedSignature | null {
  if (signature === undefined) return null;
  const { keyId = null } = signature;
  return { algorithm: "ed25519", verified: keyId !== null, keyId };
}
