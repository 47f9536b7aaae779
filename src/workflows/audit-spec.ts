// Audits a spec without downloading its layers.
import pLimit from "p-limit";
import { auditInventory, type AuditReport } from "../core/audit/audit-report.js";
import { finishInventory } from "../core/bundle/archive-plan.js";
import { TAIL_BYTES, uncompressedSize } from "../core/oci/uncompressed-size.js";
import type { BundleSpec } from "../core/spec/bundle-spec.js";
import type { PlanPorts } from "./ports.js";
import type { OnProgress } from "./progress.js";
import { planBundle, type BundlePlan, type PlanOptions } from "./build/plan.js";

/** Plans the bundle and audits the plan: sizes come from manifests, and the last bytes of each layer say how large it unpacks. */
export async function auditSpec(
  spec: BundleSpec,
  options: PlanOptions,
  maxBytes: number | undefined,
  ports: PlanPorts,
  onProgress: OnProgress,
): Promise<AuditReport> {
  const plan = await planBundle(spec, options, ports, onProgress);
  const { inventory } = finishInventory(plan.archive, await readUncompressedSizes(plan, ports, onProgress));
  return auditInventory(inventory, maxBytes);
}

async function readUncompressedSizes(
  { images }: BundlePlan,
  ports: PlanPorts,
  onProgress: OnProgress,
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
  onProgress({ kind: "started", step: "sizes", title: "Reading layer sizes", total: layers.size });
  const limit = pLimit(ports.imageConcurrency);
  let done = 0;
  const sizes = await Promise.all(
    [...layers.values()].map(({ layer, source }) =>
      limit(async () => {
        const tail = source && (await ports.images.readBlobTail(source, layer, TAIL_BYTES, ports.signal));
        onProgress({ kind: "advanced", step: "sizes", done: ++done });
        return [
          layer.digest,
          uncompressedSize(layer.mediaType, layer.size, tail ?? new Uint8Array()),
        ] as const;
      }),
    ),
  );
  onProgress({ kind: "ended", step: "sizes", summary: `${sizes.length} layers` });
  return new Map(sizes);
}
