// Builds a bundle: plans the archive, then writes it. Read this file first.
import type { ArchivePlan } from "../../core/bundle/archive-plan.js";
import type { BundleSpec } from "../../core/spec/bundle-spec.js";
import type {
  BundleReader,
  BundleWriter,
  CachedBlobs,
  PlanPorts,
  WriteOptions,
  WrittenBundle,
} from "../ports.js";
import type { Run } from "../progress.js";
import { planBundle, type PlanOptions } from "./plan.js";

/** Options of a build in addition to those of its plan. */
export interface BuildOptions extends PlanOptions {
  /** Absolute path of the bundle file to write. */
  readonly output: string;
  /** Earlier bundles to copy blobs from instead of fetching them. */
  readonly reuse: readonly string[];
}

export interface BuildPorts extends PlanPorts {
  readonly writer: BundleWriter;
  readonly reader: BundleReader;
  readonly cache: CachedBlobs;
}

/**
 * Writes the bundle file, which gets its name only after it is complete. A build that was killed is
 * resumed. Throws a `ViolaError` that names the chart, image or file, or `ManyErrors` for several.
 */
export async function buildBundle(
  run: Run,
  spec: BundleSpec,
  options: BuildOptions,
  ports: BuildPorts,
): Promise<WrittenBundle> {
  const reuse = await Promise.all(options.reuse.map((file) => ports.reader.openBundle(file)));
  const { archive } = await planBundle(run, spec, options, ports);
  const files = await findCached(archive, ports.cache);
  return ports.writer.writeBundle(run, archive, { file: options.output, reuse, files });
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
