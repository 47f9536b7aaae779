// Divides a bundle into parts for media that are too small for it.
import type { Digest } from "../../core/oci/digest.js";
import type { BundlePart, OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { requireIntact } from "../verify/require-intact.js";
import type { VerifyPorts } from "../verify/verify.js";

export interface SplitOptions {
  /** The path of the parts without their number. */
  readonly target: string;
  /** Each part is smaller than this. */
  readonly maxBytes: number;
}

export interface SplitPorts extends VerifyPorts {
  readonly writeParts: (
    run: Run,
    input: SplitOptions & { readonly file: string; readonly bundle: Digest },
  ) => Promise<readonly BundlePart[]>;
}

export interface SplitReport {
  readonly bundle: string;
  readonly parts: readonly BundlePart[];
}

/** Verifies the bundle and writes its parts. Throws `BUNDLE_INVALID`, `FILE_UNUSABLE` or `USAGE`. */
export async function splitBundle(
  run: Run,
  bundle: OpenBundle,
  options: SplitOptions,
  ports: SplitPorts,
): Promise<SplitReport> {
  await requireIntact(run, bundle, ports);
  const parts = await ports.writeParts(run, { ...options, file: bundle.file, bundle: bundle.digest });
  return { bundle: bundle.file, parts };
}
