// Reads the segments of a partial archive from the files that hold them.
import { cutShort } from "./read-range.js";
import { SourceFile } from "./source-file.js";
import type { Chunks, Segment } from "../../core/bundle/partial-archive.js";

const CHUNK_BYTES = 256 * 1024;

/**
 * Yields the bytes of all segments in order. Closes the files also when the reader stops early.
 * Throws `BUNDLE_INVALID` when a file was truncated.
 */
export async function* readSegments(segments: readonly Segment[]): Chunks {
  const files = new Map<string, SourceFile>();
  try {
    for (const segment of segments) {
      if (segment instanceof Uint8Array) {
        yield segment;
        continue;
      }
      const file = files.get(segment.file) ?? new SourceFile(segment.file);
      files.set(segment.file, file);
      for (let done = 0; done < segment.size;) {
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, segment.size - done));
        const bytesRead = await file.read(buffer, 0, buffer.length, segment.offset + done);
        if (bytesRead === 0) throw cutShort(segment.file);
        yield buffer.subarray(0, bytesRead);
        done += bytesRead;
      }
    }
  } finally {
    for (const file of files.values()) file.close();
  }
}
