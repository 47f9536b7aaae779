// `npm run demo`: the main job from start to end, with only Node and npm. Starts a registry and a
// chart repository on 127.0.0.1, and runs the commands of a user. Only with VIOLA_DEMO_CLUSTER=NAME,
// it also loads the bundle into that Kind cluster and unloads it again. The content of the images is
// generated, so they have unique names, and all are removed.
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findHelm } from "../src/adapters/helm/find-helm.js";
import { runProcess } from "../src/adapters/programs/run-process.js";
import { startChartRepository } from "./parts/chart-repository.js";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "./parts/embedded-registry.js";
import { makeImage, type ImageOptions } from "./parts/images.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MANIFESTS = join(ROOT, "manifests/demo");
const MEGABYTE = 1_000_000;
const BASE = { seed: "demo-base", bytes: 3 * MEGABYTE };

/**
 * Repository with its registry, tag, media types, and the size of its layer above the shared base,
 * in megabytes.
 */
const IMAGES: readonly (readonly [string, string, ImageOptions["mediaTypes"], number])[] = [
  ["registry.viola.example/shop/web", "2.3.1", "oci", 6],
  ["registry.viola.example/shop/cache", "7.4", "oci", 4],
  ["registry.viola.example/shop/tools", "1.0.0", "oci", 1],
  ["registry.viola.example/shop/migrate", "2.3.1", "oci", 2],
  ["registry.viola.example/shop/debug", "1.0.0", "oci", 1],
  ["registry.viola.example/database/server", "16.4", "docker", 9],
  ["registry.viola.example/database/backup", "0.9.0", "docker", 2],
  ["registry.viola.example/eck/eck-operator", "3.5.0", "oci", 3],
  ["registry.viola.example/elasticsearch/elasticsearch", "9.1.0", "oci", 7],
  ["registry.viola.example/beats/filebeat", "9.1.0", "docker", 2],
];

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "viola-airgap-demo-"));
  const registry = await startEmbeddedRegistry();
  const charts = join(folder, "charts");
  await packageCharts(charts);
  const repository = await startChartRepository(charts);
  try {
    await offerImages(registry, join(folder, "blobs"));
    const spec = await writeInput(folder, registry.url, repository.url);
    say(
      `A registry with ${IMAGES.length} images and a chart repository listen on 127.0.0.1; everything lies in ${folder}.`,
    );

    const bundle = join(folder, "shop.bundle");
    const commands = [
      ["images", spec],
      ["images", spec, "--why", "registry.viola.example/beats/filebeat:9.1.0"],
      ["build", spec, "-o", bundle],
      ["verify", bundle],
      ["audit", bundle],
    ];
    for (const command of commands) {
      const code = await viola(command, join(folder, "settings.yaml"));
      if (code !== 0) return code;
    }
    const cluster = process.env["VIOLA_DEMO_CLUSTER"] ?? "";
    if (cluster === "") {
      say(
        `The demo ends before \`load\`, because VIOLA_DEMO_CLUSTER names no Kind cluster. On the isolated host it would be:\n$ viola-airgap load ${bundle} --to kind:CLUSTER`,
      );
      return 0;
    }
    const settings = join(folder, "settings.yaml");
    const loaded = await viola(["load", bundle, "--to", `kind:${cluster}`], settings);
    // Unload also after a failed load, which may have loaded some images. Nothing was installed, so
    // the cluster need not be asked.
    const unloaded = await viola(["unload", bundle, "--to", `kind:${cluster}`, "--force"], settings);
    return loaded === 0 ? unloaded : loaded;
  } finally {
    await repository.close();
    await registry.close();
    await rm(join(folder, "blobs"), { recursive: true, force: true });
  }
}

/** Packages the demo's charts for the repository, with the Helm that the program uses. */
async function packageCharts(folder: string): Promise<void> {
  const signal = new AbortController().signal;
  const cacheFolder = join(homedir(), ".cache/viola-airgap");
  const helm = await findHelm({ path: process.env["PATH"], cacheFolder }, signal);
  await mkdir(folder, { recursive: true });
  for (const chart of ["shop", "database"]) {
    await runProcess([helm.program, "package", join(MANIFESTS, "charts", chart), "--destination", folder], {
      signal,
    });
  }
}

async function offerImages(registry: EmbeddedRegistry, blobs: string): Promise<void> {
  await mkdir(blobs, { recursive: true });
  for (const [repository, tag, mediaTypes, megabytes] of IMAGES) {
    const image = makeImage(blobs, { seed: repository, mediaTypes, layers: [BASE, megabytes * MEGABYTE] });
    registry.addImage(blobs, image, repository, tag);
  }
}

/** Writes spec and settings with the addresses of this run, and returns the path of the spec. */
async function writeInput(folder: string, registry: string, repository: string): Promise<string> {
  const spec = join(folder, "bundle.yaml");
  const text = await readFile(join(MANIFESTS, "bundle.yaml"), "utf8");
  await writeFile(spec, text.replaceAll("REPOSITORY", repository));
  await cp(join(MANIFESTS, "charts/log-collector"), join(folder, "charts/log-collector"), {
    recursive: true,
  });
  await writeFile(
    join(folder, "settings.yaml"),
    `mirrors:\n  "*": { endpoints: ["${registry}/{registry}"], only: true }\n`,
  );
  return spec;
}

function viola(command: readonly string[], settings: string): Promise<number> {
  say(`$ viola-airgap ${command.join(" ")}`);
  const child = spawn(process.execPath, [join(ROOT, "dist/main.js"), ...command, "--config", settings], {
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve(code ?? 1);
    });
  });
}

function say(text: string): void {
  process.stdout.write(`\n${text}\n\n`);
}

process.exitCode = await main();
