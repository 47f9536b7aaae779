// Computes the size and checksum of a file for a bundle.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { systemErrorCode, ViolaError } from "../../errors.js";
import type { BundledFile } from "../../core/bundle/archive-plan.js";

/** Reads the file in chunks. `path` is its path in the bundle. Throws `FILE_UNUSABLE`. */
export async function describeFile(
  described: Pick<BundledFile, "path" | "file">,
  signal: AbortSignal,
): Promise<BundledFile> {
  const { file } = described;
  const hash = createHash("sha256");
  let size = 0;
  try {
    const count = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
      }
    };
    await pipeline(createReadStream(file), count, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    const code = systemErrorCode(cause);
    throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, { subject: file, cause });
  }
  return { ...described, size, sha256: hash.digest("hex") };
}
