// Hashes a blob that lies in a local file, and copies it into the output file on the way where that is wanted.
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import type { CheckJob, CopyJob, Outcome } from "./blob-messages.js";
import type { OutputFile } from "./output-file.js";

/** Reads the blob once, through the buffer given, and says whether its digest is right. A file that ends too early is `wrong`. */
export function readBlob(job: CopyJob | CheckJob, output: OutputFile, buffer: Buffer): Outcome {
  const hash = createHash("sha256");
  let done = 0;
  try {
    const descriptor = openSync(job.file, "r");
    try {
      while (done < job.size) {
        const read = readSync(
          descriptor,
          buffer,
          0,
          Math.min(buffer.length, job.size - done),
          job.from + done,
        );
        if (read === 0) break;
        const block = buffer.subarray(0, read);
        hash.update(block);
        if (job.kind === "copy") output.write(block, job.offset + done);
        else output.count(read);
        done += read;
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    if (output.failure !== undefined) return output.failure;
    const { code = "EIO", message } = cause as NodeJS.ErrnoException;
    return { kind: "unusable", file: job.file, code, message };
  }
  const actual = `sha256:${hash.digest("hex")}`;
  if (actual === job.digest && done === job.size) return { kind: "done" };
  output.uncount(done);
  return { kind: "wrong", actual };
}
