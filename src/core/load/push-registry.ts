// Interface of a registry that images are pushed to.
import type { PlacedBlob } from "../bundle/blob-places.js";
import type { ManifestBytes } from "./registry-layout.js";

/** The outcome of pushing a manifest. */
export type ManifestOutcome =
  | { readonly kind: "stored" }
  /**
   * The registry rejects the manifest itself. `answer` is the status and errors of its response.
   */
  | { readonly kind: "refused"; readonly answer: string };

/**
 * A registry that images are pushed to. Repositories are full paths in this registry. Every call
 * rejects with the signal's reason when the signal fires, and otherwise with `REGISTRY_AUTH`,
 * `REGISTRY_UNAVAILABLE` or `REGISTRY_ANSWER_INVALID`, which name the repository.
 */
export interface PushRegistry {
  /** `http(s)://HOST[:PORT]`, with the detected scheme. */
  readonly origin: string;

  /** True if the repository has the blob. */
  hasBlob(repository: string, digest: string, signal: AbortSignal): Promise<boolean>;

  /**
   * Mounts a blob of the repository `from` without sending it. Returns false if the registry does
   * not mount it, for example because it isolates repositories or denies access to `from`.
   */
  mountBlob(repository: string, digest: string, from: string, signal: AbortSignal): Promise<boolean>;

  /**
   * Uploads a blob. `onSent` gets the size of each chunk, and a negative size if an upload
   * restarts.
   */
  uploadBlob(
    repository: string,
    blob: PlacedBlob,
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>;

  /** Returns the digest that a tag or digest resolves to, or undefined. */
  findManifest(repository: string, reference: string, signal: AbortSignal): Promise<string | undefined>;

  /** Returns the bytes of the manifest that a tag or digest resolves to, or undefined. */
  readManifest(repository: string, reference: string, signal: AbortSignal): Promise<Uint8Array | undefined>;

  /** True if the registry lists the artifacts that refer to a manifest. */
  hasReferrersApi(repository: string, digest: string, signal: AbortSignal): Promise<boolean>;

  /** Stores a manifest under a tag or its digest. */
  putManifest(
    repository: string,
    reference: string,
    manifest: ManifestBytes,
    signal: AbortSignal,
  ): Promise<ManifestOutcome>;
}
