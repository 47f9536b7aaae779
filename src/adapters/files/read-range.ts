// Reads a range of a file. One read of the system may return less than was asked for.
import { open, type FileHandle } from "node:fs/promises";
import { ViolaError } from "../../errors.js";

/** Returns the bytes at the offset: fewer than `length` only where the file ends before. */
export async function readRange(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

/** As `readRange`, for a file that is not open. */
export async function readFileRange(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    return await readRange(file, offset, length);
  } finally {
    await file.close();
  }
}

/** The error for a bundle file that ends before its content does: it had its full size when it was opened. */
export function cutShort(path: string): ViolaError {
  return new ViolaError("BUNDLE_INVALID", `${path} was cut short while it was read`, {
    subject: path,
    hint: "Copy the file again, and leave it alone while it is used.",
  });
}
