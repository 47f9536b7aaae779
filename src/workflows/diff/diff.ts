// Compares two bundles or specs. The bundle of a spec is planned, so that no layer is downloaded.
import type { BundleDiff, ComparedBundle } from "../../core/diff/bundle-diff.js";
import { readChartFacts } from "../../core/audit/chart-facts.js";
import { isChartYaml } from "../../core/charts/chart-yaml.js";
import { compareBundles } from "../../core/diff/compare-bundles.js";
import { pairReleases } from "../../core/diff/compare-charts.js";
import type { DiffOptions } from "../../core/diff/compare-values.js";
import type { Inventory } from "../../core/bundle/inventory.js";
import type { BundleSpec } from "../../core/spec/bundle-spec.js";
import { ViolaError } from "../../errors.js";
import type { AuditBundlePorts } from "../audit/audit-bundle.js";
import { planBundle, type PlanOptions } from "../build/plan.js";
import { readEntry } from "../install/extract-releases.js";
import { openAllWithBases } from "../open-with-bases.js";
import type { BundleReader, OpenBundle, PlanPorts } from "../ports.js";
import type { Run } from "../progress.js";

/** A bundle file or a spec. Paths are absolute. */
export type DiffInput =
  | { readonly kind: "bundle"; readonly file: string }
  | { readonly kind: "spec"; readonly spec: BundleSpec; readonly options: PlanOptions };

export interface DiffPorts {
  readonly reader: Pick<BundleReader, "openBundle">;
  /** Creates the adapters of planning. Each plan needs a folder of its own. */
  readonly makePlanPorts: () => Promise<PlanPorts>;
  readonly readChartTexts: AuditBundlePorts["readChartTexts"];
}

/** One of the two, without the charts, and how to read its files. */
interface Side extends Omit<ComparedBundle, "charts"> {
  readonly read: (path: string) => Promise<Uint8Array>;
}

/**
 * Returns the differences. Bundles are not verified; only the files that are compared are.
 * Throws the errors of opening a bundle and of planning one.
 */
export async function compareInputs(
  run: Run,
  inputs: { readonly old: DiffInput; readonly next: DiffInput },
  options: DiffOptions & { readonly bases?: readonly string[] },
  ports: DiffPorts,
): Promise<BundleDiff> {
  const files = [inputs.old, inputs.next].flatMap((input) => (input.kind === "bundle" ? [input.file] : []));
  const opened = await openAllWithBases(files, options.bases ?? [], ports);
  const old = await openSide(run, inputs.old, opened, ports);
  const next = await openSide(run, inputs.next, opened, ports);
  const packages = pairReleases(old.inventory.releases, next.inventory.releases).flatMap((pair) =>
    pair.old === undefined || pair.next === undefined || pair.old.sha256 === pair.next.sha256
      ? []
      : [{ old: pair.old.file, next: pair.next.file }],
  );
  return compareBundles(
    {
      ...old,
      charts: await readCharts(
        old,
        packages.map((one) => one.old),
        ports,
      ),
    },
    {
      ...next,
      charts: await readCharts(
        next,
        packages.map((one) => one.next),
        ports,
      ),
    },
    options,
  );
}

async function openSide(
  run: Run,
  input: DiffInput,
  opened: readonly OpenBundle[],
  ports: DiffPorts,
): Promise<Side> {
  if (input.kind === "bundle") {
    const bundle = opened.find(({ file }) => file === input.file);
    if (bundle === undefined) throw new Error(`${input.file} was not opened`);
    const read = (path: string): Promise<Uint8Array> => readEntry(bundle, path);
    const { inventory, size } = bundle;
    return { kind: "bundle", inventory, size, texts: await readTexts(inventory, read), read };
  }
  const plan = await planBundle(run, input.spec, input.options, await ports.makePlanPorts());
  const files = new Map(plan.files.map(({ path, bytes }) => [path, bytes]));
  const read = (path: string): Promise<Uint8Array> => Promise.resolve(files.get(path) ?? new Uint8Array());
  const { inventory, size } = plan.archive;
  return { kind: "spec", inventory, size, texts: await readTexts(inventory, read), read };
}

async function readTexts({ releases }: Inventory, read: Side["read"]): Promise<ReadonlyMap<string, string>> {
  const paths = releases.flatMap(({ values, withheldValues }) => [
    ...values,
    ...(withheldValues?.keys ?? []),
  ]);
  const texts = paths.map(async (path) => [path, Buffer.from(await read(path)).toString("utf8")] as const);
  return new Map(await Promise.all(texts));
}

/** Reads packages. One that cannot be read is left out: its subcharts are unknown. */
async function readCharts(
  { read }: Side,
  paths: readonly string[],
  ports: DiffPorts,
): Promise<ComparedBundle["charts"]> {
  const charts = paths.map(async (path) => {
    const bytes = await read(path);
    try {
      return [[path, readChartFacts(path, await ports.readChartTexts(bytes, path, isChartYaml))] as const];
    } catch (cause) {
      if (cause instanceof ViolaError && cause.code === "CHART_UNAVAILABLE") return [];
      throw cause;
    }
  });
  return new Map((await Promise.all(charts)).flat());
}
