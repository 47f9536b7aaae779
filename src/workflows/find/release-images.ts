// Finds the images of a spec: packages and renders every chart, then searches the objects.
import { isDeepStrictEqual } from "node:util";
import pLimit from "p-limit";
import { stringify } from "yaml";
import { LEFT_OUT_HINT, type PackagedChart, type RenderInput } from "../../core/charts/chart.js";
import { canChange, readApiVersionTests, type ApiVersionTests } from "../../core/charts/api-version-tests.js";
import { apiVersionsOf } from "../../core/charts/api-versions.js";
import { renderedFacts, type RenderedFacts } from "../../core/charts/rendered-facts.js";
import { declaredImages } from "../../core/finding/declared-images.js";
import type { ExpectedPackage } from "../../core/charts/chart-tool.js";
import type { ParsedRender, RenderedFrom } from "../../core/charts/parse-rendered.js";
import { SETTLE_BY_REHEARSAL } from "../../core/images/warning-advice.js";
import { NO_OPERATORS } from "../../core/finding/operator-index.js";
import { findImages } from "../../core/finding/find-images.js";
import type { Findings, FindingWarning } from "../../core/images/image-use.js";
import type { BundleSpec, ChartSpec } from "../../core/spec/bundle-spec.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { ChartPorts } from "../ports.js";
import type { Run } from "../progress.js";
import { packageAndRender, type EarlyRender } from "./early-render.js";
import { parseRender } from "./parse-render.js";

/** A release with its packaged chart and its values files. */
export interface PreparedRelease {
  readonly spec: ChartSpec;
  readonly chart: PackagedChart;
  /** Absolute paths; later files override earlier ones. Inline values of the spec come last. */
  readonly valuesFiles: readonly string[];
  /** The API versions that the chart and the values test for. */
  readonly apiVersionTests: ApiVersionTests;
  /** Rendered while the chart was packaged. */
  readonly early: EarlyRender | undefined;
}

/** Packages every chart of the spec. Throws the failures of all charts at once. */
export async function prepareReleases(
  run: Run,
  spec: BundleSpec,
  ports: ChartPorts,
): Promise<readonly PreparedRelease[]> {
  const { signal, progress } = run;
  progress({ kind: "started", step: "charts", title: "Packaging charts", total: spec.charts.length });
  const limit = pLimit(ports.chartConcurrency);
  let done = 0;
  const releases = await settleAll(
    "some charts could not be packaged",
    spec.charts.map((chartSpec, index) =>
      limit(async () => {
        const folder = `${ports.temporaryFolder}/chart-${index}`;
        const valuesFiles = [...chartSpec.valuesFiles];
        if (chartSpec.values !== undefined) {
          const file = `${ports.temporaryFolder}/values-${index}.yaml`;
          await ports.files.writeFile(file, stringify(chartSpec.values));
          valuesFiles.push(file);
        }
        const { source, dependencies } = chartSpec;
        const { chart, early } = await packageAndRender(
          run,
          {
            input: inputOf({ spec: chartSpec, valuesFiles }, spec),
            packageChart: (onPackage) => {
              const target = {
                directory: folder,
                onPackage: (expected: ExpectedPackage) => {
                  onPackage?.(expected);
                  // The knowledge base is read while helm renders. Whoever awaits it gets its error.
                  ports.loadOperators().catch(() => undefined);
                },
              };
              return ports.charts.packageChart(source, dependencies, target, signal);
            },
          },
          ports,
        );
        progress({
          kind: "advanced",
          step: "charts",
          done: ++done,
          detail: `${chart.name}-${chart.version}`,
        });
        return {
          spec: chartSpec,
          chart,
          valuesFiles,
          apiVersionTests: await testsOf(chart, valuesFiles, ports),
          early,
        };
      }),
    ),
  );
  progress({
    kind: "ended",
    step: "charts",
    summary: releases.map(({ chart }) => `${chart.name}-${chart.version}`).join(", "),
  });
  return releases;
}

/** Returns the tests of the chart, and of values, which templates may render with `tpl`. */
async function testsOf(
  { apiVersionTests: ofChart }: PackagedChart,
  valuesFiles: readonly string[],
  { files }: ChartPorts,
): Promise<ApiVersionTests> {
  const texts = await Promise.all(
    valuesFiles.map((file) =>
      files.readFile(file).then(
        (bytes) => new TextDecoder().decode(bytes),
        // Helm reports a values file that cannot be read, with the chart.
        (cause: unknown) => {
          if (cause instanceof ViolaError) return "";
          throw cause;
        },
      ),
    ),
  );
  const ofValues = readApiVersionTests(texts);
  return ofChart === "any" || ofValues === "any" ? "any" : [...ofChart, ...ofValues];
}

/** The images of all releases, and what else the audit reads of the rendered objects. */
export interface SearchedReleases {
  readonly findings: Findings;
  /** Reads the facts, which a list of images does not need. */
  readonly rendered: () => RenderedFacts;
}

/** Like `searchReleases`, for callers that need only the images. */
export async function findReleaseImages(
  run: Run,
  spec: BundleSpec,
  releases: readonly PreparedRelease[],
  ports: ChartPorts,
): Promise<Findings> {
  return (await searchReleases(run, spec, releases, ports)).findings;
}

/**
 * Renders every release as it will be installed and finds its images. Throws the failures of all
 * releases at once.
 *
 * Templates may test for API versions. Helm installs the definitions in the `crds` folders of a
 * chart before it renders the templates, so the chart is rendered with them. The cluster also serves
 * the custom resources of the bundle's other definitions, but perhaps not before they are
 * installed: charts that test for one of these are rendered a second time with them, and new objects
 * are added. The same is done for a chart that cannot be rendered without them.
 */
export async function searchReleases(
  run: Run,
  spec: BundleSpec,
  releases: readonly PreparedRelease[],
  ports: ChartPorts,
): Promise<SearchedReleases> {
  const { progress } = run;
  progress({ kind: "started", step: "find", title: "Finding images", total: releases.length });
  const limit = pLimit(ports.chartConcurrency);
  const renderings = releases.map((release) => limit(() => renderFirst(run, release, spec, ports)));
  const operators = releases.length === 0 ? Promise.resolve(NO_OPERATORS) : ports.loadOperators();
  operators.catch(() => undefined);
  const first = await Promise.allSettled(renderings);
  const parsed: ParsedRender[] = first.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const served = [...spec.apiVersions, ...apiVersionsOf(parsed.flatMap(({ objects }) => objects))];
  const again = await settleAll(
    "some charts could not be rendered",
    first.map(async (one, index): Promise<ParsedRender | undefined> => {
      const release = releases[index];
      if (release === undefined) return undefined;
      const known = one.status === "fulfilled" ? one.value.apiVersions : spec.apiVersions;
      const added = served.filter((version) => !known.includes(version));
      const isDone = one.status === "fulfilled" && !canChange(release.apiVersionTests, added);
      if (isDone) return undefined;
      if (added.length === 0) {
        if (one.status === "rejected") throw one.reason;
        return undefined;
      }
      const cluster = { ...spec, apiVersions: [...new Set([...known, ...added])] };
      return limit(() => renderAgain(run, { release, first: one }, cluster, ports));
    }),
  );
  parsed.push(...again.filter((one) => one !== undefined));

  const objects = parsed.flatMap((one) => one.objects);
  const findings = findImages(objects, {
    operators: objects.length === 0 ? NO_OPERATORS : await operators,
    declared: releases.flatMap(({ chart }) => declaredImages(nameOf(chart), chart.declarations)),
  });
  const required = findings.images.filter((image) => image.required).length;
  progress({
    kind: "ended",
    step: "find",
    summary: `${required} required, ${findings.images.length - required} optional`,
  });
  const warnings = [
    ...leftOutWarnings(releases),
    ...parsed.flatMap((one) => one.warnings),
    ...findings.warnings,
  ];
  return { findings: { ...findings, warnings }, rendered: () => renderedFacts(objects) };
}

/** Reports what the packages of chart folders lack, once for each chart. */
function leftOutWarnings(releases: readonly PreparedRelease[]): readonly FindingWarning[] {
  const charts = new Map(releases.map(({ chart }) => [chart.digest, chart]));
  return [...charts.values()].flatMap((chart) =>
    chart.leftOut.map(({ path, reason }) => ({
      code: "chart-entry-left-out",
      message: `${path} is ${reason}; it is left out of the chart`,
      hint: LEFT_OUT_HINT,
      chart: nameOf(chart),
      template: path,
      incomplete: true,
    })),
  );
}

/** The versions of the cluster that a chart is rendered for. */
type ClusterVersions = Pick<BundleSpec, "kubeVersion" | "apiVersions">;

/** A render, and the API versions of the cluster that it is for. */
interface FirstRendering extends ParsedRender {
  readonly text: string;
  readonly apiVersions: readonly string[];
}

/** Renders with the API versions of the chart's own definitions that it tests for. */
async function renderFirst(
  run: Run,
  release: PreparedRelease,
  spec: BundleSpec,
  ports: ChartPorts,
): Promise<FirstRendering> {
  const { testedDefinitions: own } = release.chart;
  const renderWith = async (definitions: readonly string[]): Promise<FirstRendering> => {
    const apiVersions = [...new Set([...spec.apiVersions, ...definitions])];
    const text = await render(run, release, { ...spec, apiVersions }, ports);
    return { text, apiVersions, ...(await parseRender(text, originOf(release), run.signal)) };
  };
  const rendered = await renderWith(own);
  // The definitions of a subchart that is switched off are not installed.
  const installed = own.length === 0 ? [] : apiVersionsOf(rendered.objects);
  const present = own.filter((version) => installed.includes(version));
  return present.length === own.length ? rendered : renderWith(present);
}

/** A release, and the result of rendering it without the definitions of other charts. */
interface FirstRender {
  readonly release: PreparedRelease;
  readonly first: PromiseSettledResult<{ readonly text: string }>;
}

/**
 * Renders with the API versions of the bundle's definitions. A failure only with them is a warning.
 */
async function renderAgain(
  run: Run,
  { release, first }: FirstRender,
  cluster: ClusterVersions,
  ports: ChartPorts,
): Promise<ParsedRender> {
  try {
    const text = await render(run, release, cluster, ports);
    const from = {
      ...originOf(release),
      ...(first.status === "fulfilled" && { except: first.value.text }),
      condition: "rendered where the cluster has the bundle's custom resource definitions",
    };
    return await parseRender(text, from, run.signal);
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

async function render(
  { signal }: Run,
  release: PreparedRelease,
  cluster: ClusterVersions,
  ports: ChartPorts,
): Promise<string> {
  const { chart, early } = release;
  const input = inputOf(release, cluster);
  if (early?.file === chart.file && isDeepStrictEqual(early.input, input)) return early.text;
  return ports.charts.renderChart(chart, input, signal);
}

function inputOf(
  { spec: { release, namespace, set }, valuesFiles }: Pick<PreparedRelease, "spec" | "valuesFiles">,
  { kubeVersion, apiVersions }: ClusterVersions,
): RenderInput {
  const input = { release, namespace, valuesFiles, set, apiVersions };
  return kubeVersion === undefined ? input : { ...input, kubeVersion };
}

function originOf({ spec, chart }: PreparedRelease): RenderedFrom {
  return { chart: nameOf(chart), release: spec.release };
}

function nameOf({ name, version }: PackagedChart): string {
  return `${name}-${version}`;
}
