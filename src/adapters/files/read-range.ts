// Reads a range of a file. A single read may return fewer bytes than requested.
import type { FileHandle } from "node:fs/promises";
import { ViolaError } from "../../errors.js";
import { SourceFile } from "./source-file.js";

/** Returns the bytes at the offset, fewer than `length` only at the end of the file. */
export async function readRange(
  file: FileHandle | SourceFile,
  offset: number,
  length: number,
): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const read = await file.read(buffer, done, length - done, offset + done);
    const bytesRead = typeof read === "number" ? read : read.bytesRead;
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

/** Opens the file, which may be a part of a bundle, and reads a range like `readRange`. */
export async function readFileRange(path: string, offset: number, length: number): Promise<Buffer> {
  const file = new SourceFile(path);
  try {
    return await readRange(file, offset, length);
  } finally {
    file.close();
  }
}

/** Returns the error for a bundle file that became shorter after it was opened. */
export function cutShort(path: string): ViolaError {
  return new ViolaError("BUNDLE_INVALID", `${path} was truncated while it was read`, {
    subject: path,
    hint: "Copy the file again, and do not change it while it is used.",
  });
}
