// The uncompressed size of a layer, read off the last bytes of its compressed form.

/** How many bytes at the end of a layer `uncompressedSize` wants to see. */
export const TAIL_BYTES = 4;

/** Above this many compressed bytes the 32-bit size in a gzip trailer can have wrapped around without anyone noticing. */
const WRAP_LIMIT = 2 ** 30;
/** Deflate never makes data grow by more than this (stored blocks: 5 bytes in 16 KiB, and the gzip frame). */
const STORED_OVERHEAD = 1.001;

/**
 * Returns the bytes of a layer after decompression, or null where its form does not say.
 * A plain tar is its own size; gzip ends with the size modulo 2^32 of its last member (RFC 1952, ISIZE). A layer of several members, as eStargz
 * makes, shows as a trailer smaller than the layer itself and gives null; so does zstd.
 */
export function uncompressedSize(mediaType: string, size: number, tail: Uint8Array): number | null {
  if (mediaType.endsWith(".tar")) return size;
  if (!/[.+]gzip$/.test(mediaType) || size >= WRAP_LIMIT || tail.length < TAIL_BYTES) return null;
  const stated = Buffer.from(tail).readUInt32LE(tail.length - TAIL_BYTES);
  return stated * STORED_OVERHEAD + 1024 < size ? null : stated;
}
