// Spec to image uses: every chart packaged and rendered, every image found.
import pLimit from "p-limit";
import { stringify } from "yaml";
import type { PackagedChart } from "../core/charts/chart.js";
import type { RenderedObject } from "../core/charts/rendered-object.js";
import { parseRendered } from "../core/charts/parse-rendered.js";
import { findImages } from "../core/finding/find-images.js";
import type { Findings, FindingWarning } from "../core/finding/image-use.js";
import type { BundleSpec, ChartSpec } from "../core/spec/bundle-spec.js";
import { settleAll } from "../errors.js";
import type { ChartContext } from "./context.js";
import type { OnProgress } from "./events.js";

/** A release with its packaged chart and the values that it is installed with. */
export interface PreparedRelease {
  readonly spec: ChartSpec;
  readonly chart: PackagedChart;
  /** Absolute paths, later ones win; the spec's own values are the last one. */
  readonly valuesFiles: readonly string[];
}

/** Packages every chart of the spec. Throws the failures of all charts at once. */
export async function prepareReleases(
  spec: BundleSpec,
  context: ChartContext,
  onProgress: OnProgress,
): Promise<readonly PreparedRelease[]> {
  onProgress({ kind: "started", step: "charts", title: "Packaging charts", total: spec.charts.length });
  const limit = pLimit(context.chartConcurrency);
  let done = 0;
  const releases = await settleAll(
    "some charts cannot be packaged",
    spec.charts.map((chartSpec, index) =>
      limit(async () => {
        const folder = `${context.temporaryFolder}/chart-${index}`;
        const chart = await context.charts.packageChart(
          chartSpec.source,
          chartSpec.dependencies,
          folder,
          context.signal,
        );
        const valuesFiles = [...chartSpec.valuesFiles];
        if (chartSpec.values !== undefined) {
          const file = `${context.temporaryFolder}/values-${index}.yaml`;
          await context.files.writeFile(file, stringify(chartSpec.values));
          valuesFiles.push(file);
        }
        onProgress({
          kind: "advanced",
          step: "charts",
          done: ++done,
          detail: `${chart.name}-${chart.version}`,
        });
        return { spec: chartSpec, chart, valuesFiles };
      }),
    ),
  );
  onProgress({
    kind: "ended",
    step: "charts",
    summary: releases.map(({ chart }) => `${chart.name}-${chart.version}`).join(", "),
  });
  return releases;
}

/** Renders every release as it will be installed and finds its images. Throws the failures of all releases at once. */
export async function findReleaseImages(
  spec: BundleSpec,
  releases: readonly PreparedRelease[],
  context: ChartContext,
  onProgress: OnProgress,
): Promise<Findings> {
  onProgress({ kind: "started", step: "find", title: "Finding images", total: releases.length });
  const limit = pLimit(context.chartConcurrency);
  const objects: RenderedObject[] = [];
  const warnings: FindingWarning[] = [];
  const rendered = await settleAll(
    "some charts cannot be rendered",
    releases.map(({ spec: chartSpec, chart, valuesFiles }) =>
      limit(async () => {
        const { release, namespace, set } = chartSpec;
        const { kubeVersion, apiVersions } = spec;
        const input = {
          release,
          namespace,
          valuesFiles,
          set,
          apiVersions,
          ...(kubeVersion !== undefined && { kubeVersion }),
        };
        return parseRendered(await context.charts.renderChart(chart, input, context.signal), {
          chart: `${chart.name}-${chart.version}`,
          release,
        });
      }),
    ),
  );
  for (const one of rendered) {
    objects.push(...one.objects);
    warnings.push(...one.warnings);
  }
  const findings = findImages(objects, {
    operators: objects.length === 0 ? [] : await context.loadOperators(),
  });
  const required = findings.images.filter((image) => image.required).length;
  onProgress({
    kind: "ended",
    step: "find",
    summary: `${required} required, ${findings.images.length - required} optional`,
  });
  return { images: findings.images, warnings: [...warnings, ...findings.warnings] };
}
