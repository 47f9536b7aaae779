// Finds the blobs of a bundle whose content does not match their digest or diff id.
import pLimit from "p-limit";
import type { PlacedBlob } from "../../core/bundle/blob-places.js";
import { ViolaError } from "../../errors.js";
import type { OpenBundle, PackedLayer, WrongLayer } from "../../workflows/ports.js";
import type { Outcome } from "../blobs/blob-messages.js";
import { BlobWorkers } from "../blobs/blob-workers.js";

const REPORT_INTERVAL_MS = 100;
/** As many as there are workers. */
const LAYERS_AT_ONCE = 2;

/**
 * Hashes all blobs at hand in worker threads, and returns the damaged ones in archive
 * order.
 * Throws `FILE_UNUSABLE` when a file cannot be read, and the abort reason when the signal fires.
 */
export async function findDamagedBlobs(
  bundle: OpenBundle,
  onHashed: (bytes: number) => void,
  signal: AbortSignal,
): Promise<readonly PlacedBlob[]> {
  return withWorkers(onHashed, signal, async (workers) => {
    const blobs = [...bundle.blobs.values()];
    const outcomes = await Promise.all(
      blobs.map(({ file, digest, size, offset }) =>
        workers.run({ kind: "check", file, from: offset, digest, size }, signal),
      ),
    );
    refuseUnusable(outcomes);
    return blobs.filter((_, index) => outcomes[index]?.kind !== "done");
  });
}

/** See `BundleReader.findWrongLayers`. */
export async function findWrongLayers(
  layers: readonly PackedLayer[],
  onRead: (bytes: number) => void,
  signal: AbortSignal,
): Promise<readonly WrongLayer[]> {
  return withWorkers(onRead, signal, async (workers) => {
    const limit = pLimit(LAYERS_AT_ONCE);
    const outcomes = await Promise.all(
      layers.map(({ file, diffId, size, offset }) =>
        limit(() => workers.run({ kind: "unpack", file, from: offset, digest: diffId, size }, signal)),
      ),
    );
    refuseUnusable(outcomes);
    return layers.flatMap((layer, index) => {
      const outcome = outcomes[index];
      if (outcome?.kind === "wrong") return [{ layer, actual: outcome.actual }];
      return outcome?.kind === "unreadable" ? [{ layer }] : [];
    });
  });
}

/** Ends the workers in the end, and when the signal fires. */
async function withWorkers<T>(
  onMoved: (bytes: number) => void,
  signal: AbortSignal,
  work: (workers: BlobWorkers) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const workers = new BlobWorkers({});
  const abort = (): void => void workers.close();
  signal.addEventListener("abort", abort, { once: true });
  const reporter = setInterval(() => {
    onMoved(workers.movedBytes);
  }, REPORT_INTERVAL_MS);
  try {
    return await work(workers);
  } catch (cause) {
    signal.throwIfAborted();
    throw cause;
  } finally {
    clearInterval(reporter);
    signal.removeEventListener("abort", abort);
    await workers.close();
  }
}

function refuseUnusable(outcomes: readonly Outcome[]): void {
  const unusable = outcomes.find((outcome) => outcome.kind === "unusable");
  if (unusable === undefined) return;
  const { file, code } = unusable;
  throw new ViolaError("FILE_UNUSABLE", `${file} cannot be read (${code})`, { subject: file });
}
