// Surveys a chart for the first draft of a bundle spec.
import type { PackagedChart } from "../core/charts/chart.js";
import type { Findings } from "../core/images/image-use.js";
import type { BundleSpec } from "../core/spec/bundle-spec.js";
import { findReleaseImages, prepareReleases } from "./find/release-images.js";
import type { ChartPorts } from "./ports.js";
import type { Run } from "./progress.js";

/** The chart, the name of its release, and the images that were found. */
export interface Survey extends Findings {
  readonly chart: PackagedChart;
  readonly release: string;
}

/**
 * Packages the only chart of the spec and finds its images. `release` defaults to the chart's name.
 */
export async function surveyChart(
  run: Run,
  spec: BundleSpec,
  { release }: { readonly release?: string | undefined },
  ports: ChartPorts,
): Promise<Survey> {
  const [prepared] = await prepareReleases(run, spec, ports);
  if (prepared === undefined) throw new Error("surveyChart: a spec without a chart");
  const { chart } = prepared;
  const name = release ?? releaseNameOf(chart);
  const releases = [{ ...prepared, spec: { ...prepared.spec, release: name } }];
  return { ...(await findReleaseImages(run, spec, releases, ports)), chart, release: name };
}

/** Release names allow fewer characters than chart names, and at most 53. */
function releaseNameOf({ name }: PackagedChart): string {
  const fitting = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .slice(0, 53)
    .replaceAll(/^-+|-+$/g, "");
  return fitting === "" ? "release" : fitting;
}
