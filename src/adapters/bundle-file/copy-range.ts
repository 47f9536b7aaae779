// Copies a range of a file to another, and hashes it.
import { createHash } from "node:crypto";
import { stat, type FileHandle } from "node:fs/promises";
import type { PartRange } from "../../core/bundle/parts.js";
import { digestFromHex, type Digest } from "../../core/oci/digest.js";
import { readRange } from "../files/read-range.js";
import type { SourceFile } from "../files/source-file.js";

const CHUNK_BYTES = 1024 * 1024;

/** A bundle with values is not readable for everybody, and neither is what is made from it. */
export async function modeOf(file: string): Promise<number> {
  return (await stat(file)).mode & 0o777;
}

/**
 * Copies a range of the source to the position of a file, and returns the digest of what was copied:
 * less than the range only where the source ends. `onCopied` gets the bytes copied so far.
 */
export async function copyRange(
  source: SourceFile,
  { offset, size }: Pick<PartRange, "offset" | "size">,
  { handle, position }: { readonly handle: FileHandle; readonly position: number },
  { signal, onCopied }: { readonly signal: AbortSignal; readonly onCopied: (copied: number) => void },
): Promise<{ readonly copied: number; readonly content: Digest }> {
  const hash = createHash("sha256");
  let copied = 0;
  while (copied < size) {
    signal.throwIfAborted();
    const bytes = await readRange(source, offset + copied, Math.min(CHUNK_BYTES, size - copied));
    if (bytes.length === 0) break;
    hash.update(bytes);
    await writeAll(handle, bytes, position + copied);
    copied += bytes.length;
    onCopied(copied);
  }
  return { copied, content: digestFromHex(hash.digest("hex")) };
}

/** Writes all bytes at the position. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}
