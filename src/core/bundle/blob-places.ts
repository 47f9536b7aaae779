// Where the bytes of the blobs of an opened bundle are.
import type { Digest } from "../oci/digest.js";

/** Bytes of a bundle file: `size` of them from `offset`. */
export interface Place {
  /** Path of the bundle file. */
  readonly file: string;
  readonly offset: number;
  readonly size: number;
}

/** A blob and its bytes. */
export interface PlacedBlob extends Place {
  readonly digest: Digest;
}

/**
 * The blobs whose bytes are at hand, by digest, in archive order. They may be in several files: those
 * of a differential bundle are in it and in its bases. Blobs of a base that is not at hand are absent.
 */
export type BlobPlaces = ReadonlyMap<string, PlacedBlob>;
