// Where the bytes of the blobs of an opened bundle are.
import type { Digest } from "../oci/digest.js";

/** A blob and its bytes: `size` bytes of `file` from `offset`. */
export interface PlacedBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Path of the bundle file that holds the blob. */
  readonly file: string;
  readonly offset: number;
}

/**
 * The blobs whose bytes are at hand, by digest, in archive order. They may be in several files: those
 * of a differential bundle are in it and in its bases. Blobs of a base that is not at hand are absent.
 */
export type BlobPlaces = ReadonlyMap<string, PlacedBlob>;
