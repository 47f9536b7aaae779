// Formats the result of `keygen`.
import type { Digest } from "../../core/oci/digest.js";

export interface KeygenReport {
  readonly privateFile: string;
  readonly publicFile: string;
  /** Id of the key, which `verify` and `show` print. */
  readonly keyId: Digest;
  readonly encrypted: boolean;
}

/** Formats where the keys are, their id, and which of them goes where. */
export function formatKeygen({ privateFile, publicFile, keyId, encrypted }: KeygenReport): string {
  return [
    `private key  ${privateFile}${encrypted ? " (encrypted)" : ""}; keep it where bundles are built: build --sign-key`,
    `public key   ${publicFile}; bring it to the isolated host on another way than the bundles: verify --key`,
    `key id       ${keyId}`,
  ].join("\n");
}
