// Decompresses a layer of a local file and compares the result with its diff id.
import { createHash } from "node:crypto";
import { PassThrough, Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { systemErrorCode } from "../../errors.js";
import { readFileRange } from "../files/read-range.js";
import { readSegments } from "../files/read-segments.js";
import type { Outcome, UnpackJob } from "./blob-messages.js";

/** Node.js supports zstd since 22.15. */
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Transform };

/** The first bytes of a compressed layer. Engines go by them, and not by the media type. */
const GZIP_START = "1f8b";
const ZSTD_START = "28b52ffd";
const START_BYTES = 4;
const CHUNK_BYTES = 256 * 1024;

/**
 * Reads the layer once, with constant memory. `wrong` has the digest of the content, or why it cannot
 * be decompressed. `unreadable` means that Node.js does not support the compression.
 */
export async function unpackBlob(job: UnpackJob, onRead: (bytes: number) => void): Promise<Outcome> {
  const { file, from, size, digest } = job;
  try {
    const start = (await readFileRange(file, from, Math.min(START_BYTES, size))).toString("hex");
    const decompress = decompressor(start);
    if (decompress === undefined) return { kind: "unreadable" };
    const hash = createHash("sha256");
    let fault: string | undefined;
    decompress.once("error", (cause) => {
      fault = cause.message;
    });
    const compressed = Readable.from(readSegments([{ file, offset: from, size }]), { objectMode: false });
    compressed.on("data", (chunk: Uint8Array) => {
      onRead(chunk.length);
    });
    await pipeline(compressed, decompress, hash).catch((cause: unknown) => {
      if (fault === undefined) throw cause;
    });
    const actual = fault ?? `sha256:${hash.digest("hex")}`;
    return actual === digest ? { kind: "done" } : { kind: "wrong", actual };
  } catch (cause) {
    return { kind: "unusable", file, code: systemErrorCode(cause), message: String(cause) };
  }
}

function decompressor(start: string): Transform | undefined {
  if (start.startsWith(GZIP_START)) return zlib.createGunzip({ chunkSize: CHUNK_BYTES });
  return start === ZSTD_START ? createZstdDecompress?.() : new PassThrough();
}
