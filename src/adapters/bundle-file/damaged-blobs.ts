// Finds the blobs of a bundle whose content does not match their digest.
import type { InventoryBlob } from "../../core/bundle/inventory.js";
import { ViolaError } from "../../errors.js";
import type { OpenBundle } from "../../workflows/ports.js";
import { BlobWorkers } from "../blobs/blob-workers.js";

const REPORT_INTERVAL_MS = 100;

/**
 * Hashes all blobs of the bundle file in worker threads, and returns the damaged ones in archive
 * order.
 * Throws `FILE_UNUSABLE` when the file cannot be read, and the abort reason when the signal fires.
 */
export async function findDamagedBlobs(
  bundle: OpenBundle,
  onHashed: (bytes: number) => void,
  signal: AbortSignal,
): Promise<readonly InventoryBlob[]> {
  signal.throwIfAborted();
  const workers = new BlobWorkers({});
  const abort = (): void => void workers.close();
  signal.addEventListener("abort", abort, { once: true });
  const reporter = setInterval(() => {
    onHashed(workers.movedBytes);
  }, REPORT_INTERVAL_MS);
  try {
    const outcomes = await Promise.all(
      bundle.inventory.blobs.map(({ digest, size, offset }) =>
        workers.run({ kind: "check", file: bundle.file, from: offset, digest, size }, signal),
      ),
    );
    const unusable = outcomes.find((outcome) => outcome.kind === "unusable");
    if (unusable !== undefined) {
      throw new ViolaError("FILE_UNUSABLE", `${bundle.file} cannot be read (${unusable.code})`, {
        subject: bundle.file,
      });
    }
    return bundle.inventory.blobs.filter((_, index) => outcomes[index]?.kind !== "done");
  } catch (cause) {
    signal.throwIfAborted();
    throw cause;
  } finally {
    clearInterval(reporter);
    signal.removeEventListener("abort", abort);
    await workers.close();
  }
}
