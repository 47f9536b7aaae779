// Stores the archive of `docker save`, and computes the offset and digest of each file in it.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { posix } from "node:path";
import type { Readable } from "node:stream";
import { extract, type Extract } from "tar-stream";
import { digestFromHex, type Digest } from "../../core/oci/digest.js";
import { systemErrorCode, ViolaError } from "../../errors.js";

/** A file inside the stored tar. */
export interface SavedFile {
  readonly digest: Digest;
  readonly size: number;
  /** Offset of the first byte in the tar. */
  readonly offset: number;
  /** The first bytes, which identify the compression. */
  readonly start: Uint8Array;
}

/** An entry of the tar. `offset` is the offset of its header. */
type Source = Extract extends AsyncIterable<infer Entry> ? Entry : never;

const START_BYTES = 4;
const HEADER_BYTES = 512;

/**
 * Writes the stream to `file`, which must not exist, and returns the regular files in it by path. A
 * link is returned as its target, because docker saves a repeated layer as a link. Consumes the
 * stream.
 * Throws the error of the stream, or `FILE_UNUSABLE` when the file cannot be written.
 */
export async function storeSavedImage(
  stream: Readable,
  file: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SavedFile>> {
  const files = new Map<string, SavedFile>();
  const links = new Map<string, string>();
  const unpack = extract();
  const reading = async (): Promise<void> => {
    for await (const entry of unpack) {
      const { name, type, linkname } = entry.header;
      const path = posix.normalize(name);
      if (type === "symlink") links.set(path, posix.join(posix.dirname(path), linkname));
      if (type === "link") links.set(path, posix.normalize(linkname));
      const saved = await readEntry(entry);
      if (type === "file") files.set(path, saved);
    }
  };
  const writing = async (): Promise<void> => {
    const handle = await open(file, "wx").catch(unwritable(file));
    try {
      for await (const chunk of stream) {
        signal.throwIfAborted();
        const bytes = chunk as Buffer;
        await handle.writeFile(bytes).catch(unwritable(file));
        // The reader destroys the tar stream when it fails. Its error is the one to report.
        if (unpack.destroyed) return;
        if (!unpack.write(bytes)) await drained(unpack);
      }
      unpack.end(null);
    } catch (cause) {
      unpack.destroy(cause as Error);
      throw cause;
    } finally {
      stream.destroy();
      await handle.close();
    }
  };
  await Promise.all([writing(), reading()]);
  for (const [path, target] of links) {
    const linked = files.get(target);
    if (linked !== undefined) files.set(path, linked);
  }
  return files;
}

async function readEntry(entry: Source): Promise<SavedFile> {
  const hash = createHash("sha256");
  let size = 0;
  let start = Buffer.alloc(0);
  for await (const chunk of entry) {
    const bytes = chunk as Buffer;
    hash.update(bytes);
    size += bytes.length;
    if (start.length < START_BYTES) start = Buffer.concat([start, bytes]).subarray(0, START_BYTES);
  }
  return { digest: digestFromHex(hash.digest("hex")), size, offset: entry.offset + HEADER_BYTES, start };
}

/** Resolves when the tar stream accepts more data or is closed. */
function drained(unpack: Extract): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      unpack.off("drain", done);
      unpack.off("close", done);
      resolve();
    };
    unpack.once("drain", done);
    unpack.once("close", done);
  });
}

function unwritable(file: string): (cause: unknown) => never {
  return (cause) => {
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be written (${code})`, { subject: file, cause });
  };
}
