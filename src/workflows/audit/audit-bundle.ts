// Audits a bundle file: its inventory, and the configs and charts in it.
import pLimit from "p-limit";
import type { ChartFacts, ConfigFacts } from "../../core/audit/audit-facts.js";
import { auditInventory } from "../../core/audit/audit-inventory.js";
import { readChartFacts } from "../../core/audit/chart-facts.js";
import { MAX_CONFIG_BYTES, readConfigFacts } from "../../core/audit/config-facts.js";
import { chartsToCheck } from "../../core/audit/outdated.js";
import type { AuditReport } from "../../core/audit/report.js";
import { completeAudit } from "../../core/audit/rules/find-findings.js";
import type { ChartText } from "../../core/charts/chart.js";
import { isChartYaml } from "../../core/charts/chart-yaml.js";
import { digestOf } from "../../core/oci/digest.js";
import { ViolaError } from "../../errors.js";
import type { AuditOptions } from "./audit-spec.js";
import { readEntry } from "../install/extract-releases.js";
import { requireBases } from "../open-with-bases.js";
import type { OpenBundle } from "../ports.js";

/** How many configs are read at once. */
const CONCURRENCY = 16;

export interface AuditBundlePorts {
  /**
   * Returns the files of a packaged chart and its subcharts whose paths match. Throws
   * `CHART_UNAVAILABLE` for an invalid archive; `name` is for its message.
   */
  readonly readChartTexts: (
    bytes: Uint8Array,
    name: string,
    isWanted: (path: string) => boolean,
  ) => Promise<readonly ChartText[]>;
}

/** Audits the bundle. What is damaged in it is not known; `verify` names it. Throws `BASE_MISSING`. */
export async function auditBundle(
  bundle: OpenBundle,
  options: AuditOptions,
  ports: AuditBundlePorts,
): Promise<AuditReport> {
  requireBases(bundle, "the audit");
  const { inventory } = bundle;
  const [configs, charts] = await Promise.all([readConfigs(bundle), readCharts(bundle, ports)]);
  const facts = { configs, charts };
  const { limits, today } = options;
  const report = completeAudit({
    inventory,
    facts,
    contents: auditInventory(inventory, options, facts),
    limits,
    today,
  });
  if (options.findOutdated === undefined) return report;
  const asked = { images: report.images, charts: chartsToCheck(inventory.releases, charts) };
  return { ...report, outdated: await options.findOutdated(asked) };
}

async function readConfigs(bundle: OpenBundle): Promise<ReadonlyMap<string, ConfigFacts>> {
  const { images } = bundle.inventory;
  const wanted = new Set(images.flatMap(({ platforms }) => platforms.map(({ config }) => config.digest)));
  const limit = pLimit(CONCURRENCY);
  const read = [...bundle.blobs.values()]
    .filter(({ digest, size }) => wanted.has(digest) && size <= MAX_CONFIG_BYTES)
    .map((blob) =>
      limit(async () => {
        const { digest } = blob;
        const bytes = await bundle.readPlace(blob);
        const facts = digestOf(bytes) === digest ? readConfigFacts(bytes) : undefined;
        return facts === undefined ? [] : [[digest, facts] as const];
      }),
    );
  return new Map((await Promise.all(read)).flat());
}

async function readCharts(
  bundle: OpenBundle,
  { readChartTexts }: AuditBundlePorts,
): Promise<readonly ChartFacts[]> {
  const files = new Map(bundle.inventory.releases.map((release) => [release.file, release.chart]));
  const facts = await Promise.all(
    [...files].map(async ([file, { name, version }]) => {
      try {
        const texts = await readChartTexts(await readEntry(bundle, file), file, isChartYaml);
        return readChartFacts(`${name}-${version}`, texts);
      } catch (cause) {
        if (!(cause instanceof ViolaError)) throw cause;
        return [];
      }
    }),
  );
  return facts.flat();
}
