// SIGKILL at ten moments: of the loader, and of a node's containerd. The next load ends well, and nothing half there passes for loaded.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadBundle } from "../../../src/workflows/load.js";
import type { OpenBundle } from "../../../src/workflows/context.js";
import { startNodes, type Nodes } from "../../support/nodes.js";
import { needs } from "../../support/parts.js";
import { mustRun, start } from "../../support/run.js";
import { bundleOf } from "./bundle-of.js";
import { kindTarget, loadContext } from "./kind.js";

const describeNodes = await needs("nodes", "root");

const SEEDS = Array.from({ length: 10 }, (_, index) => index + 1);
const LATEST_MS = 900;
/** A fetch that was killed leaves a lease on what it has so far. */
const EMPTY = `
export CONTAINERD_NAMESPACE=k8s.io
ctr leases ls -q | xargs -r ctr leases rm
ctr images ls -q | xargs -r ctr images rm --sync
`;
const HASH = `for hex in "$@"; do ctr -n k8s.io content get "sha256:$hex" | sha256sum | cut -d " " -f 1; done`;
const IMAGES = ["one", "two", "three"];

describeNodes("a load that is killed", () => {
  let folder: string;
  let bundle: OpenBundle;
  let nodes: Nodes;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-killed-"));
    nodes = await startNodes(1);
    const wishes = IMAGES.map((name) => ({
      reference: `ghcr.io/killed/${name}:1`,
      seed: name,
      mediaTypes: "oci" as const,
      layers: [8_000_000, 6_000_000],
    }));
    bundle = await bundleOf(folder, "killed", wishes);
  });
  afterAll(async () => {
    await nodes.remove();
    await rm(folder, { recursive: true });
  });

  test.each(SEEDS)("at moment %i is made good by the next", async (seed) => {
    const [, worker = ""] = nodes.names;
    for (const node of nodes.names) await nodes.exec(node, "sh", "-c", EMPTY);
    const tsx = createRequire(import.meta.url).resolve("tsx");
    const script = join(import.meta.dirname, "load-once.ts");
    const loader = start(process.execPath, ["--import", tsx, script, bundle.file, nodes.cluster]);
    await Promise.race([once(loader.process.stdout, "data"), loader.result]);
    await delay(momentOf(seed));
    if (seed % 2 === 0) {
      // The first process of such a node is containerd itself.
      await mustRun("docker", ["kill", "--signal=KILL", worker]);
      await loader.result;
      await mustRun("docker", ["start", worker]);
      await expect
        .poll(() => nodes.exec(worker, "ctr", "version").catch(() => ""), { timeout: 20_000 })
        .toContain("Server");
    } else {
      loader.process.kill("SIGKILL");
      await loader.result;
    }
    for (const node of nodes.names) await expectWholeWhereNamed(node);

    const report = await loadBundle(bundle, kindTarget(nodes.cluster), loadContext(), () => undefined);

    expect(report.nodes).toHaveLength(2);
    for (const node of nodes.names) expect(await expectWholeWhereNamed(node)).toBe(IMAGES.length);
  });

  /** Reads every byte behind every name that counts as complete, and returns how many those are. */
  async function expectWholeWhereNamed(node: string): Promise<number> {
    const nodesFound = await kindTarget(nodes.cluster).findNodes(new AbortController().signal);
    const names = bundle.inventory.images.flatMap((image) => image.names);
    const found = nodesFound.find(({ name }) => name === node);
    const complete = (await found?.completeImages(names, new AbortController().signal)) ?? new Map();
    const blobs = bundle.inventory.images
      .filter((image) => image.names.some((name) => complete.has(name)))
      .flatMap(({ platforms }) => platforms.flatMap(({ config, layers }) => [config, ...layers]))
      .map(({ digest }) => digest.slice("sha256:".length));
    const sums = await nodes.exec(node, "sh", "-c", HASH, "sh", ...blobs);
    expect(sums.trim().split(/\s+/).filter(Boolean)).toEqual(blobs);
    return complete.size;
  }
});

/** A moment for each seed, the same in every run, spread over what such a load takes. */
function momentOf(seed: number): number {
  return createHash("sha256").update(String(seed)).digest().readUInt16BE(0) % LATEST_MS;
}
