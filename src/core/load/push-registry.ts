// What the program asks of a registry that it pushes to.
import type { InventoryBlob } from "../bundle/inventory.js";
import type { ManifestBytes } from "./registry-layout.js";

/** How a registry took a manifest. */
export type ManifestOutcome =
  | { readonly kind: "stored" }
  /** The registry does not want this one, whoever asks: `answer` is status and errors as it sent them. */
  | { readonly kind: "refused"; readonly answer: string };

/**
 * A registry that images are pushed to. Repositories are whole paths there. Every call rejects with the signal's reason when it fires, with
 * `REGISTRY_AUTH` when the registry denies, and with `REGISTRY_UNAVAILABLE` or `REGISTRY_ANSWER_INVALID`; each names the repository.
 */
export interface PushRegistry {
  /** `http(s)://HOST[:PORT]`, as it turned out to be. */
  readonly origin: string;

  /** True when the repository has the blob. */
  hasBlob(repository: string, digest: string, signal: AbortSignal): Promise<boolean>;

  /**
   * Makes the repository have a blob of `from`, without sending it. Returns false when the registry would not: repositories that it keeps
   * apart, or that we may not read.
   */
  mountBlob(repository: string, digest: string, from: string, signal: AbortSignal): Promise<boolean>;

  /** Sends a blob; `onSent` hears of every chunk, and of a negative amount when a broken upload begins anew. */
  uploadBlob(
    repository: string,
    blob: InventoryBlob,
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>;

  /** Returns the digest of what a tag or digest points to, or undefined. */
  findManifest(repository: string, reference: string, signal: AbortSignal): Promise<string | undefined>;

  /** Stores a manifest under a tag or its digest. */
  putManifest(
    repository: string,
    reference: string,
    manifest: ManifestBytes,
    signal: AbortSignal,
  ): Promise<ManifestOutcome>;
}
