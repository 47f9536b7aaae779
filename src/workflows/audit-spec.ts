// Audits a spec without downloading its layers.
import pLimit from "p-limit";
import { countOf } from "../core/count-of.js";
import { auditInventory } from "../core/audit/audit-inventory.js";
import type { AuditReport } from "../core/audit/report.js";
import { finishInventory } from "../core/bundle/archive-plan.js";
import { TAIL_BYTES, uncompressedSize } from "../core/oci/uncompressed-size.js";
import type { BundleSpec } from "../core/spec/bundle-spec.js";
import type { PlanPorts } from "./ports.js";
import type { Run } from "./progress.js";
import { planBundle, type BundlePlan, type PlanOptions } from "./build/plan.js";

export interface AuditOptions extends PlanOptions {
  /**
   * Compressed size in bytes above which an image is reported as too large; absent for no limit.
   */
  readonly maxBytes?: number | undefined;
}

/**
 * Plans the bundle and audits the plan. Compressed sizes come from the manifests. The uncompressed
 * size of a layer is read from its last bytes.
 */
export async function auditSpec(
  run: Run,
  spec: BundleSpec,
  options: AuditOptions,
  ports: PlanPorts,
): Promise<AuditReport> {
  const plan = await planBundle(run, spec, options, ports);
  const { inventory } = finishInventory(plan.archive, await readUncompressedSizes(run, plan, ports));
  return auditInventory(inventory, { maxBytes: options.maxBytes });
}

async function readUncompressedSizes(
  { signal, progress }: Run,
  { images }: BundlePlan,
  ports: PlanPorts,
): Promise<ReadonlyMap<string, number | null>> {
  const layers = new Map(
    images.flatMap((image) =>
      image.platforms.flatMap((platform) =>
        platform.layers.map(
          (layer) => [layer.digest, { layer, source: image.sources.get(layer.digest) }] as const,
        ),
      ),
    ),
  );
  progress({ kind: "started", step: "sizes", title: "Reading layer sizes", total: layers.size });
  const limit = pLimit(ports.imageConcurrency);
  let done = 0;
  const sizes = await Promise.all(
    [...layers.values()].map(({ layer, source }) =>
      limit(async () => {
        const tail = source && (await ports.images.readBlobTail(source, layer, TAIL_BYTES, signal));
        progress({ kind: "advanced", step: "sizes", done: ++done });
        return [
          layer.digest,
          uncompressedSize(layer.mediaType, layer.size, tail ?? new Uint8Array()),
        ] as const;
      }),
    ),
  );
  progress({ kind: "ended", step: "sizes", summary: countOf(sizes.length, "layer") });
  return new Map(sizes);
}
