// Writes a bundle file for a plan: the known pieces, then the blobs in parallel, then the
// inventory. Renames the file to its final name at the end.
import { countOf } from "../../core/count-of.js";
import { finishInventory, type ArchivePlan, type PlannedBlob } from "../../core/bundle/archive-plan.js";
import { requireUsableImages } from "../../core/bundle/unusable-images.js";
import { TAR_BLOCK } from "../../core/bundle/tar-header.js";
import { digestOf } from "../../core/oci/digest.js";
import { TAIL_BYTES, uncompressedSize } from "../../core/oci/uncompressed-size.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { OpenBundle, WriteOptions, WrittenBundle } from "../../workflows/ports.js";
import type { Run } from "../../workflows/progress.js";
import { fillBlob, type FillPorts } from "../blobs/fill-blob.js";
import { LostRegistries } from "./lost-registries.js";
import type { PartialFile } from "./partial-file.js";
import { transferInLanes } from "./transfer-lanes.js";
import { withPartialFile, type PartialPorts } from "./with-partial-file.js";

const REPORT_INTERVAL_MS = 100;
const FLUSH_BYTES = 128 * 1024 * 1024;

/** The registry, the workers and the limits of the writer. */
export interface WriterPorts extends PartialPorts {
  /** How many blobs are transferred at once. */
  readonly concurrency: number;
}

/** See `BundleWriter.writeBundle`. */
export async function writeBundle(
  run: Run,
  plan: ArchivePlan,
  { file, reuse, base, files = new Map(), mode, sign }: WriteOptions,
  ports: WriterPorts,
): Promise<WrittenBundle> {
  const { signal, progress } = run;
  return withPartialFile(run, { plan, file, mode }, ports, async (partial, fillPorts) => {
    for (const piece of plan.pieces) await partial.write(piece.offset, piece.bytes);
    const counts = await fillBlobs(
      run,
      plan,
      { partial, reuse, files, concurrency: ports.concurrency },
      fillPorts,
    );

    const read = blobReader(plan, partial, base);
    await requireUsableImages(plan.inventory, ({ digest, size }) => read(digest, 0, size));

    progress({ kind: "started", step: "finish", title: "Writing to disk" });
    const { bytes, inventory } =
      plan.finished === undefined
        ? await finishWith(plan, await uncompressedSizes(plan, read), sign, signal)
        : { bytes: plan.finished, inventory: plan.inventory };
    await partial.write(TAR_BLOCK, bytes);
    if (plan.signatureOffset !== undefined && sign !== undefined)
      await partial.write(plan.signatureOffset, await sign(bytes, signal));
    await partial.finish();
    progress({ kind: "ended", step: "finish" });
    return { file, size: plan.size, digest: digestOf(bytes), inventory, ...counts };
  });
}

interface FillOptions extends Required<Pick<WriteOptions, "reuse" | "files">> {
  readonly partial: PartialFile;
  readonly concurrency: number;
}

/**
 * Writes every blob at its offset: what an interrupted write left, then copies, then from the
 * registries. Throws the failures of all blobs at once, or `FILE_UNUSABLE`.
 */
export async function fillBlobs(
  { progress }: Run,
  plan: Pick<ArchivePlan, "blobs">,
  { partial, reuse, files, concurrency }: FillOptions,
  ports: FillPorts,
): Promise<Pick<WrittenBundle, "fetchedBytes" | "copiedBytes">> {
  const total = plan.blobs.reduce((sum, blob) => sum + blob.size, 0);
  progress({ kind: "started", step: "fill", title: "Fetching blobs", total, unit: "bytes" });
  let blobs = 0;
  const before = ports.workers.movedBytes;
  const movedBytes = (): number => ports.workers.movedBytes - before;
  const report = (): void => {
    progress({
      kind: "advanced",
      step: "fill",
      done: movedBytes(),
      detail: `${blobs} of ${countOf(plan.blobs.length, "blob")}`,
    });
  };
  // Flushing while blobs are transferred shortens the sync at the end.
  let flushing = false;
  let flushed = 0;
  const flush = async (): Promise<void> => {
    const moved = movedBytes();
    if (flushing || moved - flushed < FLUSH_BYTES) return;
    flushing = true;
    flushed = moved;
    // `finish` syncs again and reports the error.
    await partial.flush().catch(() => undefined);
    flushing = false;
  };
  const reporter = setInterval(() => {
    report();
    void flush();
  }, REPORT_INTERVAL_MS);
  const earlier = new Map(
    reuse.flatMap(({ blobs: places }) =>
      [...places.values()].map(
        ({ digest, file, offset }) => [digest, { kind: "file" as const, file, offset }] as const,
      ),
    ),
  );
  const bytes = { copied: 0, fetched: 0 };
  let fatal: ViolaError | undefined;
  const lost = new LostRegistries();
  const transfer = async (blob: PlannedBlob): Promise<void> => {
    if (fatal !== undefined) return;
    if (await isLeftInPlace(blob, partial, ports)) {
      bytes.copied += blob.size;
    } else {
      const left = partial.left.get(blob.digest);
      const known = earlier.get(blob.digest) ?? files.get(blob.digest);
      const copies = [
        ...(left === undefined || left.file === partial.path
          ? []
          : [{ kind: "file" as const, file: left.file, offset: left.offset }]),
        ...(known === undefined ? [] : [known]),
      ];
      const loss = copies.length === 0 ? lost.findLoss(blob) : undefined;
      if (loss !== undefined) throw loss;
      const how = await fillBlob(blob, copies, ports).catch((cause: unknown) => {
        // When the bundle cannot be written, further blobs need not be fetched.
        if (cause instanceof ViolaError && cause.code === "FILE_UNUSABLE") fatal = cause;
        throw lost.record(blob, cause);
      });
      bytes[how] += blob.size;
      await partial.markDone(blob);
    }
    blobs++;
  };
  try {
    await settleAll(
      "some blobs could not be fetched; the fetched blobs are kept for the next run of the same command",
      await transferInLanes(plan.blobs, concurrency, transfer),
    );
  } catch (cause) {
    throw fatal ?? cause;
  } finally {
    clearInterval(reporter);
  }
  report();
  progress({ kind: "ended", step: "fill", summary: countOf(plan.blobs.length, "blob") });
  return { fetchedBytes: bytes.fetched, copiedBytes: bytes.copied };
}

/**
 * True when an interrupted write left the blob at its offset, and its content matches its digest.
 */
async function isLeftInPlace(
  blob: PlannedBlob,
  partial: PartialFile,
  { workers, signal }: FillPorts,
): Promise<boolean> {
  const left = partial.left.get(blob.digest);
  if (left?.file !== partial.path || left.offset !== blob.offset) return false;
  const { digest, size, offset } = blob;
  const job = { kind: "check", file: partial.path, from: offset, digest, size } as const;
  return (await workers.run(job, signal)).kind === "done";
}

/** Finishes the inventory. That of a signed difference has the signature of the whole bundle, too. */
async function finishWith(
  plan: ArchivePlan,
  sizes: ReadonlyMap<string, number | null>,
  sign: WriteOptions["sign"],
  signal: AbortSignal,
): Promise<ReturnType<typeof finishInventory>> {
  if (plan.whole === undefined || sign === undefined) return finishInventory(plan, sizes);
  return finishInventory(plan, sizes, await sign(finishInventory(plan.whole, sizes).bytes, signal));
}

/** Returns `length` bytes of a blob from `from`, or undefined if the blob is not at hand. */
type ReadBlob = (digest: string, from: number, length: number) => Promise<Uint8Array | undefined>;

/** Reads blobs of the plan that are written, and blobs of the base. */
function blobReader(plan: ArchivePlan, partial: PartialFile, base: OpenBundle | undefined): ReadBlob {
  const offsets = new Map<string, number>(plan.blobs.map((blob) => [blob.digest, blob.offset]));
  return async (digest, from, length) => {
    const offset = offsets.get(digest);
    if (offset !== undefined) return partial.read(offset + from, length);
    const place = base?.blobs.get(digest);
    return place && base?.readPlace(place, from, length);
  };
}

async function uncompressedSizes(
  plan: ArchivePlan,
  read: ReadBlob,
): Promise<ReadonlyMap<string, number | null>> {
  const sizes = new Map<string, number | null>();
  for (const image of plan.inventory.images) {
    for (const { mediaType, digest, size } of image.platforms.flatMap((platform) => platform.layers)) {
      if (sizes.has(digest)) continue;
      const length = Math.min(TAIL_BYTES, size);
      const tail = await read(digest, size - length, length);
      if (tail !== undefined) sizes.set(digest, uncompressedSize(mediaType, size, tail));
    }
  }
  return sizes;
}
