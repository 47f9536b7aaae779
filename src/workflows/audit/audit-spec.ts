// Audits a spec without downloading its layers.
import pLimit from "p-limit";
import { countOf } from "../../core/count-of.js";
import type { ConfigFacts } from "../../core/audit/audit-facts.js";
import { auditInventory, type AuditInventoryOptions } from "../../core/audit/audit-inventory.js";
import { readChartFacts } from "../../core/audit/chart-facts.js";
import { chartsToCheck, type Outdated } from "../../core/audit/outdated.js";
import { readConfigFacts } from "../../core/audit/config-facts.js";
import { completeAudit } from "../../core/audit/rules/find-findings.js";
import type { AuditLimits } from "../../core/audit/rules/rule.js";
import type { AuditReport } from "../../core/audit/report.js";
import { finishInventory } from "../../core/bundle/archive-plan.js";
import type { FindingWarning } from "../../core/images/image-use.js";
import { TAIL_BYTES, uncompressedSize } from "../../core/oci/uncompressed-size.js";
import type { BundleSpec } from "../../core/spec/bundle-spec.js";
import { ViolaError } from "../../errors.js";
import type { OutdatedInput } from "./outdated.js";
import type { PlanPorts } from "../ports.js";
import type { Run } from "../progress.js";
import { planBundle, type BundlePlan, type PlanOptions } from "../build/plan.js";
import type { FailedUse } from "../build/resolve-images.js";

export interface AuditOptions extends AuditInventoryOptions {
  /** They override those of the spec. */
  readonly limits: AuditLimits;
  /** The date of the audit, such as `2026-11-27`. */
  readonly today: string;
  /** Looks for newer versions. They are not in the report when absent. */
  readonly findOutdated?: (input: OutdatedInput) => Promise<Outdated>;
}

/**
 * Plans the bundle and audits the plan. Compressed sizes come from the manifests, and facts from the
 * configs. The uncompressed size of a layer is read from its last bytes. Images that cannot be
 * resolved are listed without sizes, with a warning for each.
 */
export async function auditSpec(
  run: Run,
  spec: BundleSpec,
  options: AuditOptions & Omit<PlanOptions, "unresolved">,
  ports: PlanPorts,
): Promise<AuditReport> {
  const plan = await planBundle(run, spec, { ...options, unresolved: "list" }, ports);
  const [sizes, configs] = await Promise.all([
    readUncompressedSizes(run, plan, ports),
    readConfigs(run, plan, ports),
  ]);
  const { inventory: planned } = finishInventory(plan.archive, sizes);
  const inventory = {
    ...planned,
    warnings: [...planned.warnings, ...plan.unresolved.map(unresolvedWarning)],
  };
  const facts = {
    configs,
    charts: plan.charts.flatMap((chart) =>
      readChartFacts(`${chart.name}-${chart.version}`, chart.declarations),
    ),
    unresolved: plan.unresolved.map(({ use, error }) => ({ use, reason: error.message })),
  };
  const { limits, today } = options;
  const report = completeAudit({
    inventory,
    facts,
    contents: auditInventory(inventory, options, facts),
    limits,
    today,
  });
  if (options.findOutdated === undefined) return report;
  const charts = chartsToCheck(inventory.releases, facts.charts, spec.charts);
  return { ...report, outdated: await options.findOutdated({ images: report.images, charts }) };
}

function unresolvedWarning({ use: { normalized }, error }: FailedUse): FindingWarning {
  return {
    code: "image-unresolved",
    message: `${error.message}; its size is unknown`,
    ...(error.hint !== undefined && { hint: error.hint }),
    images: [normalized],
    incomplete: false,
  };
}

/** Reads the configs of all images. One that cannot be read is missing. */
async function readConfigs(
  { signal }: Run,
  { images }: BundlePlan,
  ports: PlanPorts,
): Promise<ReadonlyMap<string, ConfigFacts>> {
  const configs = new Map(
    images.flatMap((image) =>
      image.platforms.map(
        ({ config }) =>
          [
            config.digest,
            { config, source: image.sources.get(config.digest), subject: image.use.normalized },
          ] as const,
      ),
    ),
  );
  const limit = pLimit(ports.imageConcurrency);
  const read = [...configs.values()].map(({ config, source, subject }) =>
    limit(async () => {
      const bytes =
        source && (await unlessUnavailable(() => ports.images.readBlob(source, config, subject, signal)));
      const facts = bytes && readConfigFacts(bytes);
      return facts === undefined ? [] : [[config.digest, facts] as const];
    }),
  );
  return new Map((await Promise.all(read)).flat());
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
        const tail =
          source &&
          (await unlessUnavailable(() => ports.images.readBlobTail(source, layer, TAIL_BYTES, signal)));
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

/** Returns undefined where a registry does not give a blob: the audit shows what is known. */
async function unlessUnavailable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof ViolaError)) throw cause;
    return undefined;
  }
}
