// Finds images once, like `images`, and prints the cost without the time of helm.
//   tsx scripts/bench/find-process.ts viola|corpus
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { findHelm } from "../../src/adapters/helm/find-helm.js";
import { HelmChartTool } from "../../src/adapters/helm/helm-chart-tool.js";
import { loadOperatorIndex } from "../../src/adapters/files/read-operators.js";
import type { BundleSpec } from "../../src/core/spec/bundle-spec.js";
import { parseBundleSpec } from "../../src/core/spec/parse-bundle-spec.js";
import { findReleaseImages, prepareReleases } from "../../src/workflows/find/release-images.js";
import type { ChartPorts } from "../../src/workflows/ports.js";
import { startChartRepository } from "../parts/chart-repository.js";

export interface FindCost {
  readonly seconds: number;
  /** Largest resident set of the process, including the TypeScript loader. */
  readonly peakBytes: number;
  readonly images: number;
  readonly renderedBytes: number;
}

const ROOT = resolve(import.meta.dirname, "../..");

/** The folder of shared test data. */
export function sharedFolder(): string {
  return process.env["VIOLA_SHARED"] ?? resolve(ROOT, "../shared");
}

async function measure(specs: readonly BundleSpec[]): Promise<FindCost> {
  const { signal } = new AbortController();
  const helm = await findHelm(
    { path: process.env["PATH"], cacheFolder: join(homedir(), ".cache", "viola-airgap") },
    signal,
  );
  const tool = new HelmChartTool({ helm: helm.program, environment: { PATH: process.env["PATH"] ?? "" } });
  const helmCost = { milliseconds: 0, bytes: 0 };
  const temporaryFolder = mkdtempSync(join(tmpdir(), "viola-bench-find-"));
  const ports: ChartPorts = {
    charts: {
      packageChart: (...input) => tool.packageChart(...input),
      readPackage: (...input) => tool.readPackage(...input),
      spellOutSource: (...input) => tool.spellOutSource(...input),
      renderChart: async (...input) => {
        const started = performance.now();
        const text = await tool.renderChart(...input);
        helmCost.milliseconds += performance.now() - started;
        helmCost.bytes += text.length;
        return text;
      },
    },
    loadOperators: () => loadOperatorIndex(join(ROOT, "manifests/operators")),
    files: { readFile: (path) => readFile(path), writeFile: (path, text) => writeFile(path, text) },
    temporaryFolder,
    // One chart at a time, so that none of our work overlaps with helm.
    chartConcurrency: 1,
  };
  const run = { signal, progress: () => undefined };
  try {
    const prepared = [];
    for (const spec of specs) prepared.push({ spec, releases: await prepareReleases(run, spec, ports) });
    let images = 0;
    // Archives are rendered while they are packaged, which is not measured.
    helmCost.milliseconds = 0;
    const started = performance.now();
    for (const { spec, releases } of prepared) {
      images += (await findReleaseImages(run, spec, releases, ports)).images.length;
    }
    const seconds = (performance.now() - started - helmCost.milliseconds) / 1000;
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    return { seconds, peakBytes, images, renderedBytes: helmCost.bytes };
  } finally {
    rmSync(temporaryFolder, { recursive: true });
  }
}

async function measureViola(): Promise<FindCost> {
  const repository = await startChartRepository(join(sharedFolder(), "chart-repos"));
  try {
    const file = join(ROOT, "manifests/viola-monitoring/bundle.yaml");
    const text = readFileSync(file, "utf8")
      .replaceAll(
        "https://prometheus-community.github.io/helm-charts",
        `${repository.url}/prometheus-community`,
      )
      .replaceAll("https://grafana.github.io/helm-charts", `${repository.url}/grafana`);
    return await measure([parseBundleSpec(text, file, join(file, ".."))]);
  } finally {
    await repository.close();
  }
}

function measureCorpus(): Promise<FindCost> {
  const folder = join(sharedFolder(), "corpus");
  const entries = JSON.parse(readFileSync(join(folder, "corpus.json"), "utf8")) as readonly {
    readonly name: string;
    readonly charts: readonly {
      readonly chart: string;
      readonly release: string;
      readonly set?: readonly string[];
    }[];
  }[];
  return measure(
    entries.map(({ name, charts }) => ({
      name,
      version: "1",
      platforms: [],
      apiVersions: [],
      charts: charts.map(({ chart, release, set = [] }) => ({
        source: { kind: "archive", file: join(folder, "charts", chart) } as const,
        dependencies: [],
        release,
        namespace: "default",
        valuesFiles: [],
        set,
      })),
      extraImages: [],
      excludedImages: [],
      silencedWarnings: [],
      includeTests: false,
    })),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const cost = process.argv[2] === "corpus" ? await measureCorpus() : await measureViola();
  process.stdout.write(JSON.stringify(cost));
}
