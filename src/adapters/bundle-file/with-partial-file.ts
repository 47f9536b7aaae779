// Opens an incomplete bundle file for the work that fills it, and closes it.
import type { ArchivePlan } from "../../core/bundle/archive-plan.js";
import type { Run } from "../../workflows/progress.js";
import type { BlobWorkers } from "../blobs/blob-workers.js";
import type { FillPorts } from "../blobs/fill-blob.js";
import type { RegistryClient } from "../registry/client.js";
import { PartialFile } from "./partial-file.js";

/** The file to write. */
export interface PartialInput {
  readonly plan: Pick<ArchivePlan, "size" | "blobs">;
  /** Absolute path of the complete file. */
  readonly file: string;
  /** The mode of the file, to which the umask applies. 0666 when absent. */
  readonly mode?: number | undefined;
}

/** The ports of filling a file. */
export interface PartialPorts {
  readonly registry: RegistryClient;
  /** The workers, which are closed when the signal fires. */
  readonly workers: BlobWorkers;
}

/**
 * Runs `work`, which finishes the file. After a failure or an interruption, the file is kept for the
 * next write. Throws the errors of `work` and of `PartialFile.open`, and the signal's reason.
 */
export async function withPartialFile<T>(
  { signal, progress }: Run,
  { plan, file, mode }: PartialInput,
  { registry: { pull }, workers }: PartialPorts,
  work: (partial: PartialFile, ports: FillPorts) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const partial = await PartialFile.open(plan, file, {
    ...(mode !== undefined && { mode }),
    onNote: (message) => {
      progress({ kind: "note", message });
    },
  });
  const abort = (): void => void workers.close();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await work(partial, { workers, output: partial.path, pull, signal });
  } catch (cause) {
    await partial.close();
    signal.throwIfAborted();
    throw cause;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
