// Reads the uncompressed size of a layer from the last bytes of its compressed form.

/** Number of bytes at the end of a layer that `uncompressedSize` needs. */
export const TAIL_BYTES = 4;

/**
 * Above this compressed size, the 32-bit size in the gzip trailer may have wrapped around
 * undetected.
 */
const WRAP_LIMIT = 2 ** 30;
/**
 * Upper bound for the growth of data under deflate: 5 bytes for each stored block of 16 KiB, and
 * the gzip frame.
 */
const STORED_OVERHEAD = 1.001;

/**
 * Returns the uncompressed size of a layer in bytes, or null when its format does not state it.
 * `tail` holds the last bytes of the layer. A plain tar is not compressed. Gzip ends with the size
 * of its last member modulo 2^32 (RFC 1952, ISIZE). A layer with several members, such as eStargz,
 * has a trailer smaller than the layer itself and gives null. So does zstd.
 */
export function uncompressedSize(mediaType: string, size: number, tail: Uint8Array): number | null {
  if (mediaType.endsWith(".tar")) return size;
  if (!/[.+]gzip$/.test(mediaType) || size >= WRAP_LIMIT || tail.length < TAIL_BYTES) return null;
  const stated = Buffer.from(tail).readUInt32LE(tail.length - TAIL_BYTES);
  return stated * STORED_OVERHEAD + 1024 < size ? null : stated;
}
