// Merges a differential bundle and its bases to the whole bundle.
import { planMerge } from "../../core/merge/plan-merge.js";
import { INVENTORY_PATH } from "../../core/bundle/paths.js";
import { oneOrMany, ViolaError } from "../../errors.js";
import { openWithBases, requireBases } from "../open-with-bases.js";
import type { BundleReader, BundleWriter, OpenBundle, WrittenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { verifyBundle } from "../verify/verify.js";

/** Options of a merge. Paths are absolute. */
export interface MergeOptions {
  /** The bundle file to write. */
  readonly output: string;
  /** The bases, in any order. */
  readonly bases: readonly string[];
  /** The mode of the file, to which the umask applies. */
  readonly mode?: number;
}

export interface MergePorts {
  readonly reader: Pick<BundleReader, "openBundle" | "findDamagedBlobs">;
  readonly writer: BundleWriter;
}

/**
 * Writes the whole bundle, which gets its name only after it is complete. An interrupted merge is
 * resumed. Throws `BASE_WRONG`, `BASE_MISSING`, `BUNDLE_INVALID` for every damaged part of the files,
 * and `USAGE` for a bundle that is whole already.
 */
export async function mergeBundles(
  run: Run,
  difference: string,
  { output, bases, mode }: MergeOptions,
  { reader, writer }: MergePorts,
): Promise<WrittenBundle> {
  const bundle = await openWithBases(difference, bases, { reader });
  if (bundle.inventory.base === undefined) {
    throw new ViolaError("USAGE", `${difference} is a whole bundle already`, {
      subject: difference,
      hint: "Name the bases first and the differential bundle last.",
    });
  }
  requireBases(bundle, "merging");
  const { offset, size } = bundle.locate(INVENTORY_PATH);
  const plan = planMerge({
    file: bundle.file,
    inventory: bundle.inventory,
    inventoryBytes: await bundle.read(offset, size),
    blobs: bundle.blobs,
    locate: (path) => bundle.locate(path),
  });
  const signature = bundle.inventory.whole?.signature;
  try {
    return await writer.writeBundle(run, plan, {
      file: output,
      reuse: [],
      ...(signature !== undefined && {
        sign: () => Promise.resolve(Buffer.from(signature, "base64")),
      }),
      ...(mode !== undefined && { mode }),
    });
  } catch (cause) {
    run.signal.throwIfAborted();
    // The writer says that it found a blob nowhere; verifying says which file is damaged.
    await refuseDamage(run, bundle, reader);
    throw cause;
  }
}

async function refuseDamage(run: Run, bundle: OpenBundle, reader: MergePorts["reader"]): Promise<void> {
  const { problems } = await verifyBundle(run, bundle, { reader });
  if (problems.length === 0) return;
  throw oneOrMany(
    "the bundles cannot be merged, because they are damaged",
    problems.map(
      ({ message, subject }) =>
        new ViolaError("BUNDLE_INVALID", message, {
          subject,
          hint: "Copy the damaged file again from where it was built, and run the same command again.",
        }),
    ),
  );
}
