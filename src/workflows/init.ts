// Drafts a first bundle spec from a chart.
import type { PackagedChart } from "../core/charts/chart.js";
import type { Findings } from "../core/images/image-use.js";
import type { BundleSpec } from "../core/spec/bundle-spec.js";
import { findReleaseImages, prepareReleases } from "./find/release-images.js";
import type { ChartPorts } from "./ports.js";
import type { Run } from "./progress.js";

/** What is known of a chart and its release before anyone decided anything. */
export interface Survey extends Findings {
  readonly chart: PackagedChart;
  readonly release: string;
}

/** Packages the only chart of the spec and finds its images. A release without a name (undefined) gets the chart's. */
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

/** Helm's names for releases are narrower than those for charts. */
function releaseNameOf({ name }: PackagedChart): string {
  const fitting = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .slice(0, 53)
    .replaceAll(/^-+|-+$/g, "");
  return fitting === "" ? "release" : fitting;
}
