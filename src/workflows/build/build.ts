// Builds a bundle: plan, then fill. The file to read first.
import type { BundleSpec } from "../../core/spec/bundle-spec.js";
import type { BundleReader, BundleWriter, PlanPorts, WrittenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { planBundle, type PlanOptions } from "./plan.js";

/** What a build is asked for besides the plan's options. */
export interface BuildOptions extends PlanOptions {
  /** Absolute path of the bundle file to make. */
  readonly output: string;
  /** Earlier bundles whose blobs are copied rather than fetched. */
  readonly reuse: readonly string[];
}

export interface BuildPorts extends PlanPorts {
  readonly writer: BundleWriter;
  readonly reader: BundleReader;
}

/**
 * Makes the bundle file. It appears under its name only when it is complete; a build that was killed goes on where it stopped.
 * Throws `ViolaError`s that name chart, image or file, several at once as `ManyErrors`.
 */
export async function buildBundle(
  run: Run,
  spec: BundleSpec,
  options: BuildOptions,
  ports: BuildPorts,
): Promise<WrittenBundle> {
  const reuse = await Promise.all(options.reuse.map((file) => ports.reader.openBundle(file)));
  const { archive } = await planBundle(run, spec, options, ports);
  return ports.writer.writeBundle(run, archive, { file: options.output, reuse });
}
