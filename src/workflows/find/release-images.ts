// Spec to image uses: every chart packaged and rendered, every image found.
import pLimit from "p-limit";
import { stringify } from "yaml";
import type { PackagedChart } from "../../core/charts/chart.js";
import { apiVersionsOf } from "../../core/charts/api-versions.js";
import { declaredImages } from "../../core/finding/declared-images.js";
import { parseRendered, type ParsedRender, type RenderedFrom } from "../../core/charts/parse-rendered.js";
import { SETTLE_BY_REHEARSAL } from "../../core/images/warning-advice.js";
import { findImages } from "../../core/finding/find-images.js";
import type { Findings } from "../../core/images/image-use.js";
import type { BundleSpec, ChartSpec } from "../../core/spec/bundle-spec.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { ChartPorts } from "../ports.js";
import type { OnProgress } from "../progress.js";

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
  ports: ChartPorts,
  onProgress: OnProgress,
): Promise<readonly PreparedRelease[]> {
  onProgress({ kind: "started", step: "charts", title: "Packaging charts", total: spec.charts.length });
  const limit = pLimit(ports.chartConcurrency);
  let done = 0;
  const releases = await settleAll(
    "some charts cannot be packaged",
    spec.charts.map((chartSpec, index) =>
      limit(async () => {
        const folder = `${ports.temporaryFolder}/chart-${index}`;
        const chart = await ports.charts.packageChart(
          chartSpec.source,
          chartSpec.dependencies,
          folder,
          ports.signal,
        );
        const valuesFiles = [...chartSpec.valuesFiles];
        if (chartSpec.values !== undefined) {
          const file = `${ports.temporaryFolder}/values-${index}.yaml`;
          await ports.files.writeFile(file, stringify(chartSpec.values));
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

/**
 * Renders every release as it will be installed and finds its images. Throws the failures of all releases at once.
 *
 * A cluster knows the custom resources of the bundle once their definitions are installed, and templates may ask for them: what asks is
 * rendered again with their API versions, and what that brings is added. So is a chart that cannot be rendered without them.
 */
export async function findReleaseImages(
  spec: BundleSpec,
  releases: readonly PreparedRelease[],
  ports: ChartPorts,
  onProgress: OnProgress,
): Promise<Findings> {
  onProgress({ kind: "started", step: "find", title: "Finding images", total: releases.length });
  const limit = pLimit(ports.chartConcurrency);
  const renderAll = <T>(render: (release: PreparedRelease) => Promise<T>) =>
    releases.map((release) => limit(() => render(release)));

  const first = await Promise.allSettled(
    renderAll(async (release) => {
      const text = await render(release, spec, spec.apiVersions, ports);
      return { text, ...parseRendered(text, originOf(release)) };
    }),
  );
  const parsed: ParsedRender[] = first.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const given = apiVersionsOf(parsed.flatMap(({ objects }) => objects)).filter(
    (version) => !spec.apiVersions.includes(version),
  );
  const again = await settleAll(
    "some charts cannot be rendered",
    first.map(async (one, index): Promise<ParsedRender | undefined> => {
      const release = releases[index];
      const isDone = one.status === "fulfilled" && release?.chart.readsApiVersions !== true;
      if (release === undefined || isDone) return undefined;
      if (given.length === 0) {
        if (one.status === "rejected") throw one.reason;
        return undefined;
      }
      return limit(() => renderInstalled(release, spec, given, one, ports));
    }),
  );
  parsed.push(...again.filter((one) => one !== undefined));

  const objects = parsed.flatMap((one) => one.objects);
  const findings = findImages(objects, {
    operators: objects.length === 0 ? [] : await ports.loadOperators(),
    declared: releases.flatMap(({ chart }) => declaredImages(nameOf(chart), chart.declarations)),
  });
  const required = findings.images.filter((image) => image.required).length;
  onProgress({
    kind: "ended",
    step: "find",
    summary: `${required} required, ${findings.images.length - required} optional`,
  });
  return {
    images: findings.images,
    warnings: [...parsed.flatMap(({ warnings }) => warnings), ...findings.warnings],
  };
}

/** Renders with the API versions of the bundle's own definitions too. What fails only with them is a warning. */
async function renderInstalled(
  release: PreparedRelease,
  spec: BundleSpec,
  given: readonly string[],
  first: PromiseSettledResult<{ readonly text: string }>,
  ports: ChartPorts,
): Promise<ParsedRender> {
  try {
    const text = await render(release, spec, [...spec.apiVersions, ...given], ports);
    return parseRendered(text, {
      ...originOf(release),
      ...(first.status === "fulfilled" && { except: first.value.text }),
      condition: "rendered where the cluster has the bundle's custom resource definitions",
    });
  } catch (error) {
    if (first.status === "rejected") throw first.reason;
    if (!(error instanceof ViolaError)) throw error;
    return {
      objects: [],
      warnings: [
        {
          code: "render-with-definitions-failed",
          message: `with the bundle's custom resource definitions installed, ${error.message}`,
          hint: SETTLE_BY_REHEARSAL,
          chart: nameOf(release.chart),
          incomplete: true,
        },
      ],
    };
  }
}

function render(
  { spec: chartSpec, chart, valuesFiles }: PreparedRelease,
  { kubeVersion }: BundleSpec,
  apiVersions: readonly string[],
  ports: ChartPorts,
): Promise<string> {
  const { release, namespace, set } = chartSpec;
  const input = { release, namespace, valuesFiles, set, apiVersions };
  return ports.charts.renderChart(
    chart,
    kubeVersion === undefined ? input : { ...input, kubeVersion },
    ports.signal,
  );
}

function originOf({ spec, chart }: PreparedRelease): RenderedFrom {
  return { chart: nameOf(chart), release: spec.release };
}

function nameOf({ name, version }: PackagedChart): string {
  return `${name}-${version}`;
}
