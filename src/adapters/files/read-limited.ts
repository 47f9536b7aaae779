// Reads files and streams from outside whole, up to a limit: they may be endless.
import { open } from "node:fs/promises";
import { ViolaError } from "../../errors.js";

/** For specs, settings and other texts that a person writes. */
export const TEXT_FILE_BYTES = 8 * 1024 * 1024;

const CHUNK_BYTES = 256 * 1024;

/**
 * Returns the content of a file. Throws `FILE_UNUSABLE` when it has more than `limitBytes`, and
 * system errors unchanged.
 */
export async function readLimited(file: string, limitBytes: number): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const chunks: Buffer[] = [];
    for (let length = 0; ;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return Buffer.concat(chunks, length);
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
      if (length > limitBytes) throw tooLarge(file, limitBytes);
    }
  } finally {
    await handle.close();
  }
}

/** Returns the text of a stream that `name` names in errors. Throws `FILE_UNUSABLE` like `readLimited`. */
export async function readStreamLimited(
  stream: NodeJS.ReadableStream,
  name: string,
  limitBytes: number,
): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;
    if (length > limitBytes) throw tooLarge(name, limitBytes);
  }
  return Buffer.concat(chunks, length).toString("utf8");
}

function tooLarge(subject: string, limitBytes: number): ViolaError {
  return new ViolaError("FILE_UNUSABLE", `${subject} has more than ${limitBytes} bytes`, { subject });
}
