// SIGKILL at ten moments during the transfer, of the loader and of a node's containerd. The
// remaining content is intact, and the next load succeeds.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { runCli, startCli } from "../../support/cli.js";
import { startNodes, type Nodes } from "../../support/nodes.js";
import { needs } from "../../support/parts.js";
import { mustRun } from "../../support/run.js";
import { parseCompleteImages } from "../../../src/adapters/nodes/node-scripts.js";
import { bundleOf } from "../../support/bundle-of.js";

const describeNodes = await needs("nodes", "root");

const SEEDS = Array.from({ length: 10 }, (_, index) => index + 1);
const IMAGES = ["one", "two", "three", "four"];
/**
 * Prints what an interrupted fetch has not removed after a few seconds, the output of `ctr images
 * check`, and the sha256 of every blob with its name.
 */
const INSPECT = `
left() { ls -d /run/viola-airgap.* 2>/dev/null; }
for _ in 1 2 3 4 5 6 7 8 9 10; do left >/dev/null || break; sleep 0.5; done
left
ctr -n k8s.io images check
cd /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256 && sha256sum * 2>/dev/null || :
`;

describeNodes("a load that is killed", () => {
  let folder: string;
  let bundle: OpenBundle;
  let nodes: Nodes;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-killed-"));
    nodes = await startNodes(1);
    const namedImages = IMAGES.map((name) => ({
      reference: `ghcr.io/killed/${name}:1`,
      seed: name,
      mediaTypes: "oci" as const,
      layers: [6_000_000, 4_000_000],
    }));
    bundle = await bundleOf(folder, "killed", namedImages);
  });
  afterAll(async () => {
    await nodes.remove();
    await rm(folder, { recursive: true });
  });

  test.each(SEEDS)("at moment %i is repaired by the next load", async (seed) => {
    const [main = "", worker = ""] = nodes.names;
    const load = ["load", bundle.file, "--to", `kind:${nodes.cluster}`];
    const size = bundle.inventory.blobs.reduce((sum, blob) => sum + blob.size, 0);
    await nodes.empty();
    const containerd = await firstProcess(worker);
    const before = receivedBytes(containerd);

    const loader = startCli(load);
    const isSent = await reaches(
      () => receivedBytes(containerd) - before,
      momentOf(seed) * size,
      loader.result,
    );
    expect(isSent).toBe(true);
    if (seed % 2 === 0) {
      process.kill(containerd, "SIGKILL");
      expect((await loader.result).code).toBe(2);
      await mustRun("docker", ["wait", worker]);
      await mustRun("docker", ["start", worker]);
      const version = (): Promise<string> => nodes.exec(worker, "ctr", "version").catch(() => "");
      await expect.poll(version, { timeout: 20_000 }).toContain("Server");
    } else {
      loader.process.kill("SIGKILL");
      expect((await loader.result).code).toBe(128 + 9);
      expect(receivedBytes(containerd) - before).toBeLessThan(size);
    }
    const [onMain, onWorker] = await Promise.all([countWhole(main), countWhole(worker)]);
    expect(onWorker).toBeLessThan(IMAGES.length);
    // The other node is completed, regardless of this one.
    if (seed % 2 === 0) expect(onMain).toBe(IMAGES.length);

    expect(await runCli(load)).toMatchObject({ code: 0 });

    expect(await Promise.all(nodes.names.map(countWhole))).toEqual([IMAGES.length, IMAGES.length]);
  });

  /**
   * Returns the number of complete images on a node. Their content must be correct, and nothing of
   * a load may be left.
   */
  async function countWhole(node: string): Promise<number> {
    const said = await nodes.exec(node, "sh", "-c", INSPECT);
    expect(said).not.toContain("/run/viola-airgap");
    const complete = parseCompleteImages(said);
    const images = bundle.inventory.images.filter(({ names }) => names.some((name) => complete.has(name)));
    const whole = new Set(
      [...said.matchAll(/^([0-9a-f]{64}) {2}\1$/gm)].map(([, hex]) => `sha256:${hex ?? ""}`),
    );
    for (const { platforms } of images) {
      for (const { digest, config, layers } of platforms)
        for (const blob of [digest, config.digest, ...layers.map((layer) => layer.digest)])
          expect(whole).toContain(blob);
    }
    return images.length;
  }
});

/** The first process of such a node is containerd itself. */
async function firstProcess(node: string): Promise<number> {
  return Number(await mustRun("docker", ["inspect", "--format={{.State.Pid}}", node]));
}

/** Returns the bytes that a process received over the network. */
function receivedBytes(pid: number): number {
  return Number(/eth0:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/net/dev`, "utf8"))?.[1]);
}

/** Resolves to true when enough bytes have arrived, or to false when `end` resolves first. */
async function reaches(read: () => number, goal: number, end: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  void end.then(() => {
    over.abort();
  });
  while (!over.signal.aborted) {
    if (read() >= goal) return true;
    await delay(1);
  }
  return false;
}

/**
 * A moment for each seed, the same in every run: the transferred part of the content. The rest
 * takes longer than a kill.
 */
function momentOf(seed: number): number {
  const random = createHash("sha256").update(String(seed)).digest().readUInt16BE(0) / 0x10000;
  return 0.05 + 0.65 * random;
}
