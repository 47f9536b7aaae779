// Builds a bundle: plans the archive, then writes it. Read this file first.
import type { ArchivePlan } from "../../core/bundle/archive-plan.js";
import type { BundleSpec } from "../../core/spec/bundle-spec.js";
import { systemErrorCode, ViolaError } from "../../errors.js";
import type {
  BlobKeeper,
  BundleReader,
  BundleWriter,
  CachedBlobs,
  OpenBundle,
  PlanPorts,
  SignBytes,
  WriteOptions,
  WrittenBundle,
} from "../ports.js";
import type { Run } from "../progress.js";
import { openWithBases, requireBases } from "../open-with-bases.js";
import { planBundle, type PlanOptions } from "./plan.js";

/** Options of a build in addition to those of its plan. */
export interface BuildOptions extends Omit<PlanOptions, "base"> {
  /** Absolute path of the bundle file to write. */
  readonly output: string;
  /** True if `output` is an earlier bundle. It is replaced, and its blobs are reused. */
  readonly replaces?: boolean;
  /** The mode of the file, to which the umask applies. */
  readonly mode?: number;
  /** Earlier bundles to copy blobs from instead of fetching them. */
  readonly reuse: readonly string[];
  /** The base of a differential bundle, then the bases of that one. None for a whole bundle. */
  readonly bases?: readonly string[];
}

export interface BuildPorts extends PlanPorts {
  readonly writer: BundleWriter;
  readonly reader: BundleReader;
  readonly cache: CachedBlobs;
  /** Signs the bundle. It is not signed if absent. */
  readonly sign?: SignBytes;
  /** Keeps the blobs for later builds. Nothing is kept if absent. */
  readonly keeper?: BlobKeeper;
}

/**
 * Writes the bundle file, which gets its name only after it is complete. A build that was killed is
 * resumed. With `bases`, it is a differential bundle. Throws a `ViolaError` that names the chart, image
 * or file, or `ManyErrors` for several.
 */
export async function buildBundle(
  run: Run,
  spec: BundleSpec,
  options: BuildOptions,
  ports: BuildPorts,
): Promise<WrittenBundle> {
  const { output, mode, bases = [], ...planOptions } = options;
  const base = await openBase(bases, ports);
  const reuse = await Promise.all(options.reuse.map((file) => ports.reader.openBundle(file)));
  const replaced = options.replaces === true ? await openReplaced(run, output, ports) : [];
  const { sign } = ports;
  const { archive } = await planBundle(
    run,
    spec,
    { ...planOptions, isSigned: sign !== undefined, ...(base !== undefined && { base }) },
    ports,
  );
  const files = await findCached(archive, ports.cache);
  const written = {
    file: output,
    reuse: [...replaced, ...reuse],
    files,
    ...(base !== undefined && { base }),
    ...(mode !== undefined && { mode }),
    ...(sign !== undefined && { sign }),
  };
  const bundle = await ports.writer.writeBundle(run, archive, written);
  if (ports.keeper !== undefined) {
    const fetched = archive.blobs.filter(({ digest }) => !files.has(digest));
    await keepBlobs(run, { file: bundle.file, blobs: fetched }, ports.keeper);
  }
  return bundle;
}

/** Keeps blobs of the complete bundle. A failure does not affect the bundle, so it is only noted. */
async function keepBlobs(
  { signal, progress }: Run,
  { file, blobs }: Pick<WrittenBundle, "file"> & Pick<ArchivePlan, "blobs">,
  keeper: BlobKeeper,
): Promise<void> {
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  progress({ kind: "started", step: "keep", title: "Keeping blobs in the cache", total, unit: "bytes" });
  let done = 0;
  try {
    for (const blob of blobs) {
      await keeper.store(blob, { kind: "file", file, offset: blob.offset }, signal);
      done += blob.size;
      progress({ kind: "advanced", step: "keep", done });
    }
    await keeper.trim();
  } catch (cause) {
    const why = signal.aborted ? "interrupted" : systemErrorCode(cause);
    progress({
      kind: "note",
      message: `the cache does not have all blobs of this build (${why}); the bundle is complete`,
    });
    signal.throwIfAborted();
  }
  progress({ kind: "ended", step: "keep" });
}

/** Opens the first of the files with the others as its bases. Throws `BASE_WRONG` and `BASE_MISSING`. */
async function openBase(
  [first, ...others]: readonly string[],
  { reader }: BuildPorts,
): Promise<OpenBundle | undefined> {
  if (first === undefined) return undefined;
  const base = await openWithBases(first, others, { reader });
  requireBases(base, "building a difference from it");
  return base;
}

/** Opens the bundle that is replaced. It need not be intact, because it is not needed. */
async function openReplaced(
  { progress }: Run,
  file: string,
  { reader }: BuildPorts,
): Promise<readonly OpenBundle[]> {
  try {
    return [await reader.openBundle(file)];
  } catch (error) {
    if (!(error instanceof ViolaError)) throw error;
    progress({ kind: "note", message: `nothing is reused of the file that is replaced: ${error.message}` });
    return [];
  }
}

async function findCached(
  { blobs }: ArchivePlan,
  cache: CachedBlobs,
): Promise<NonNullable<WriteOptions["files"]>> {
  const found = await Promise.all(
    blobs.map(async (blob) => ({ digest: blob.digest, file: await cache.find(blob) })),
  );
  return new Map(found.flatMap(({ digest, file }) => (file === undefined ? [] : [[digest, file]])));
}
