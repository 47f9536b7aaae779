// Hashes a blob in a local file, and copies it to the output file for a copy job.
import { ContentVerifier } from "../../core/oci/verifier.js";
import type { CheckJob, CopyJob, Outcome } from "./blob-messages.js";
import { SourceFile } from "../files/source-file.js";
import type { OutputFiles } from "./output-file.js";

/** Reads the blob once, with the buffer, and checks its digest. A truncated file is `wrong`. */
export function readBlob(job: CopyJob | CheckJob, outputs: OutputFiles, buffer: Buffer): Outcome {
  const verifier = new ContentVerifier(job);
  const output = job.kind === "copy" ? outputs.get(job.output) : undefined;
  try {
    const source = new SourceFile(job.file);
    try {
      for (let done = 0; done < job.size; done = verifier.received) {
        const read = source.readSync(buffer, 0, Math.min(buffer.length, job.size - done), job.from + done);
        if (read === 0) break;
        const block = buffer.subarray(0, read);
        verifier.update(block);
        if (job.kind === "copy") output?.write(block, job.offset + done);
        else outputs.moved.count(read);
      }
    } finally {
      source.close();
    }
  } catch (cause) {
    if (output?.failure !== undefined) return output.failure;
    const { code = "EIO", message } = cause as NodeJS.ErrnoException;
    return { kind: "unusable", file: job.file, code, message };
  }
  const fault = verifier.findFault();
  if (fault === undefined) return { kind: "done" };
  outputs.moved.uncount(verifier.received);
  return { kind: "wrong", actual: fault.kind === "digest" ? fault.actual : `${fault.received} bytes` };
}
