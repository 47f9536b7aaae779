// The cache of blobs: what builds keep and find again, damage, pruning, and builds at the same time.
import { readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import { makeImage } from "../../scripts/parts/images.js";
import { runCli, startCli } from "../support/cli.js";

const LAYERS = [400_000, 300_000, 200_000, 100_000];

let folder = "";
let registry: EmbeddedRegistry;
const at = (name: string): string => join(folder, name);
const blobsFolder = (): string => at("cache/viola-airgap/blobs");

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-cache-"));
  registry = await startEmbeddedRegistry();
  registry.addImage(
    folder,
    makeImage(folder, { seed: "cache", mediaTypes: "oci", layers: LAYERS }),
    "a/b",
    "1",
  );
  const mirror = `mirrors: { "example.org": { endpoints: ["${registry.url}"], only: true } }`;
  await writeFile(at("settings.yaml"), `${mirror}\ncache: { folder: cache, limit: 1GiB }\n`);
  const images = 'images: { include: ["example.org/a/b:1"] }';
  await writeFile(
    at("spec.yaml"),
    `name: test\nversion: "1"\nplatforms: [linux/amd64]\ncharts: []\n${images}\n`,
  );
});
afterEach(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});

const buildArguments = (name: string): readonly string[] => {
  const options = ["--source", "registry", "--config", at("settings.yaml"), "--json"];
  return ["build", at("spec.yaml"), "-o", at(name), ...options];
};

async function build(name: string): Promise<{ readonly fetchedBytes: number; readonly digest: string }> {
  const { code, stdout, stderr } = await runCli(buildArguments(name));
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as { readonly fetchedBytes: number; readonly digest: string };
}

interface Report {
  readonly size: number;
  readonly blobs: readonly { readonly digest: string; readonly size: number }[];
  readonly damaged?: readonly { readonly digest: string }[];
  readonly removed?: readonly object[];
}

async function cache(
  ...action: readonly string[]
): Promise<{ readonly code: number; readonly report: Report }> {
  const { code, stdout } = await runCli(["cache", ...action, "--config", at("settings.yaml"), "--json"]);
  return { code, report: JSON.parse(stdout) as Report };
}

it("gives a build the blobs of an earlier one, except damaged ones, which are fetched again", async () => {
  const first = await build("one.bundle");
  expect(first.fetchedBytes).toBeGreaterThan(0);

  expect(await build("two.bundle")).toEqual({
    ...first,
    file: at("two.bundle"),
    fetchedBytes: 0,
    copiedBytes: first.fetchedBytes,
  });

  const { report } = await cache("ls");
  expect(report.size).toBe(first.fetchedBytes);
  const largest = report.blobs.toSorted((one, other) => other.size - one.size)[0]!;
  writeFileSync(join(blobsFolder(), largest.digest.slice("sha256:".length)), Buffer.alloc(largest.size));
  expect((await build("three.bundle")).fetchedBytes).toBe(largest.size);
  expect(await readFile(at("three.bundle"))).toEqual(await readFile(at("one.bundle")));
});

it("verifies and prunes its blobs", async () => {
  await build("one.bundle");
  const [one, ...others] = (await cache("ls")).report.blobs;
  await truncate(join(blobsFolder(), one!.digest.slice("sha256:".length)), 10);

  const verified = await cache("verify");
  expect(verified).toMatchObject({ code: 1, report: { damaged: [{ digest: one!.digest }] } });
  expect(await cache("verify")).toMatchObject({ code: 0, report: { damaged: [] } });

  const pruned = (await cache("prune", "--max-size", "450kB")).report;
  expect(pruned.size).toBeLessThanOrEqual(450_000);
  expect(pruned.removed!.length + pruned.blobs.length).toBe(others.length);
  expect(await cache("prune")).toMatchObject({ code: 0, report: { size: 0, blobs: [] } });
});

it("is not used without a limit in the settings", async () => {
  const settings = await readFile(at("settings.yaml"), "utf8");
  await writeFile(at("settings.yaml"), settings.replace(", limit: 1GiB", ""));

  await build("one.bundle");

  expect((await cache("ls")).report.blobs).toEqual([]);
});

it("is shared by builds at the same time, one of which is killed at any moment", async () => {
  const expected = await build("expected.bundle");
  const tries = Number(process.env["VIOLA_CACHE_KILLS"] ?? 2);
  for (let round = 0; round < tries; round++) {
    await rm(blobsFolder(), { recursive: true, force: true });
    const name = `killed-${round}.bundle`;
    const killed = startCli(buildArguments(name));
    const other = build(`other-${round}.bundle`);
    await expect.poll(keptFiles, { interval: 1, timeout: 60_000 }).toBeGreaterThan(round % LAYERS.length);
    killed.process.kill("SIGKILL");
    await killed.result;

    expect((await other).digest).toBe(expected.digest);
    expect((await build(name)).digest).toBe(expected.digest);
    expect((await cache("verify")).report.damaged).toEqual([]);
  }
});

/** Returns how many files the cache has, complete or not. */
function keptFiles(): number {
  try {
    return readdirSync(blobsFolder()).length;
  } catch {
    return 0;
  }
}
