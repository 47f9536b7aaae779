// The spec and images of the viola stack for a test: serves its charts, pushes its images to the
// local registry, and runs the built command.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChartRepository } from "../../scripts/parts/chart-repository.js";
import { partsPath } from "../../scripts/parts/home.js";
import { pushViolaImages, VIOLA_REFERENCES, type ViolaImage } from "../../scripts/parts/viola-images.js";
import { runCli, startCli } from "../support/cli.js";
import { pathWithKubectl, pushLiveImages } from "../support/kube.js";
import { registries } from "../support/parts.js";
import { ROOT, sharedPath } from "../support/paths.js";
import type { Running, RunResult } from "../support/run.js";

/**
 * The 16 images in viola-target.md, and the image of the install hooks, which no longer run in a
 * cluster.
 */
export const VIOLA_REQUIRED: readonly string[] = VIOLA_REFERENCES.toSorted();

export interface ViolaRun {
  /** A folder of this test, removed by `close`. */
  readonly folder: string;
  readonly spec: string;
  /** The images in the registry, for comparing digests. */
  readonly images: readonly ViolaImage[];
  /** Runs the built command with the settings of this test. */
  cli(...args: readonly string[]): Promise<RunResult>;
  /** The settings of this test. */
  readonly settings: string;
  start(...args: readonly string[]): Running;
  close(): Promise<void>;
}

/**
 * Only after `needs("registries", "helm", "shared")`. `scale` 1 is the whole stack, about 1.5 GB.
 */
export async function prepareViola(scale: number): Promise<ViolaRun> {
  const prefix = scale === 1 ? "public/viola" : `public/viola-${scale}`;
  const images = await pushViolaImages(
    { url: `http://${registries().plain}` },
    prefix,
    partsPath("blobs"),
    scale,
  );
  return prepareRun(prefix, images);
}

/**
 * The same with images of a few MB that really run. Only after `needs("registries", "helm",
 * "kube")`.
 */
export async function prepareLiveViola(): Promise<ViolaRun> {
  await pushLiveImages(registries().plain, LIVE_PREFIX);
  return prepareRun(LIVE_PREFIX, [], { PATH: await pathWithKubectl() });
}

/** The prefix that `prepareLiveViola` pushes to, with a folder for each registry. */
export const LIVE_PREFIX = "live";

async function prepareRun(
  prefix: string,
  images: readonly ViolaImage[],
  env: Readonly<Record<string, string>> = {},
): Promise<ViolaRun> {
  const folder = await mkdtemp(join(tmpdir(), "viola-e2e-"));
  const registry = `http://${registries().plain}`;
  const charts = await startChartRepository(sharedPath("chart-repos"));
  const spec = join(folder, "bundle.yaml");
  const settings = join(folder, "settings.yaml");
  await writeViolaSpec(spec, charts.url);
  await writeFile(
    settings,
    `mirrors:\n  "*": { endpoints: ["${registry}/${prefix}/{registry}"], only: true }\ncache: ${partsPath("helm")}\n`,
  );
  return {
    folder,
    spec,
    images,
    settings,
    cli: (...args) => runCli([...args, "--config", settings], { env }),
    start: (...args) => startCli([...args, "--config", settings], { env }),
    close: async () => {
      await charts.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Writes the spec of the viola stack with the charts of a local repository. */
export async function writeViolaSpec(file: string, charts: string): Promise<void> {
  const text = await readFile(join(ROOT, "manifests/viola-monitoring/bundle.yaml"), "utf8");
  await writeFile(
    file,
    text
      .replaceAll("https://prometheus-community.github.io/helm-charts", `${charts}/prometheus-community`)
      .replaceAll("https://grafana.github.io/helm-charts", `${charts}/grafana`),
  );
}
