// Loads a bundle into real nodes with all available versions of containerd, and checks that each
// node has every name with the correct digest.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import type { NodeTarget } from "../../../src/core/load/node.js";
import type { ViolaError } from "../../../src/errors.js";
import { loadBundle, type LoadReport } from "../../../src/workflows/load/nodes.js";
import { containerds } from "../../support/containerds.js";
import { startNodes, type Nodes } from "../../support/nodes.js";
import { needs } from "../../support/parts.js";
import { start } from "../../support/run.js";
import { bundleOf, type NamedImage } from "../../support/bundle-of.js";
import { kindTarget, loadPorts } from "./kind.js";
import type { OnProgress } from "../../../src/workflows/progress.js";
import { workflowRun } from "../../support/workflow-run.js";

const describeNodes = await needs("nodes");

const BASE = { seed: "load base", bytes: 3_000_000 };
const PROMETHEUS: NamedImage = {
  reference: "quay.io/prometheus/prometheus:v2.55.1",
  seed: "prometheus",
  mediaTypes: "oci",
  layers: [BASE, 2_000_000],
};
const IMAGES: readonly NamedImage[] = [
  PROMETHEUS,
  { reference: "grafana/loki:2.9.4", seed: "loki", mediaTypes: "docker", layers: [BASE, 1_000_000] },
  {
    // 386 in addition to amd64: by default, containerd 1.6 and 1.7 treat it as a platform of the
    // node.
    reference: "busybox:1.36@DIGEST",
    seed: "busybox",
    mediaTypes: "oci",
    layers: [50_000],
    platforms: ["amd64", "386", "arm64"].map((architecture) => ({ os: "linux", architecture })),
  },
  {
    reference: "registry.k8s.io/single:v1",
    seed: "single",
    mediaTypes: "docker",
    index: false,
    layers: [BASE, 900],
  },
];
const folder = mkdtempSync(join(tmpdir(), "viola-load-"));
let bundle: OpenBundle;
beforeAll(async () => {
  bundle = await bundleOf(folder, "viola", IMAGES);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Returns the target with nodes that cannot reach this machine. */
function cutOff(target: NodeTarget): NodeTarget {
  return {
    ...target,
    findNodes: async (signal) => {
      const found = await target.findNodes(signal);
      return found.map((one) => Object.assign(one, { hostAddresses: ["127.0.0.1"] }));
    },
  };
}

/** Returns the digest and labels of every image that the node lists by name and not by its config. */
async function listImages(
  nodes: Nodes,
  node: string,
): Promise<ReadonlyMap<string, { digest: string; labels: string }>> {
  const lines = (await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "ls")).trim().split("\n").slice(1);
  return new Map(
    lines
      .map((line) => line.split(/\s+/))
      .filter(([name]) => !name?.startsWith("sha256:"))
      .map(([name = "", , digest = "", ...rest]) => [name, { digest, labels: rest.join(" ") }]),
  );
}

/** Lists what a load may leave behind on a node: its hosts folder, and running programs. */
async function leftovers(nodes: Nodes, node: string): Promise<string> {
  return nodes.exec(
    node,
    "sh",
    "-c",
    "ls -d /run/viola* /tmp/viola* 2>/dev/null; ps -o args | grep '[c]ontent fetch'; true",
  );
}

async function removeImages(nodes: Nodes, node: string, pattern: string): Promise<void> {
  const script =
    'ctr -n k8s.io images ls -q | grep -e "$1" -e ^sha256: | xargs ctr -n k8s.io images rm --sync';
  await nodes.exec(node, "sh", "-c", script, "sh", pattern);
}

const names = (): readonly string[] => bundle.inventory.images.flatMap((image) => image.names);

describeNodes.each(containerds())("containerd %s", (_, programs) => {
  let nodes: Nodes;
  let target: NodeTarget;
  const load = (what = bundle, nodesToLoad = target): Promise<LoadReport> =>
    loadBundle(workflowRun(), what, { target: nodesToLoad }, loadPorts());

  beforeAll(async () => {
    nodes = await startNodes(2, programs);
    target = kindTarget(nodes.cluster);
  });
  afterAll(async () => {
    await nodes.remove();
  });

  test("after a load every node has every name with the bundle's digest, complete and pinned", async () => {
    const report = await load();
    expect(report.nodes.map(({ node, route, platform }) => [node, route, platform])).toEqual(
      [...nodes.names].sort().map((node) => [node, "fetch", "linux/amd64"]),
    );
    // The base of three images is sent once to each node.
    const total = bundle.inventory.blobs.reduce((sum, { size }) => sum + size, 0);
    for (const { sentBytes } of report.nodes) expect(sentBytes).toBeLessThanOrEqual(total);
    for (const node of nodes.names) {
      const listed = await listImages(nodes, node);
      expect([...listed.keys()].sort()).toEqual([...names()].sort());
      for (const image of bundle.inventory.images) {
        for (const name of image.names) {
          expect(listed.get(name)).toMatchObject({ digest: image.digest });
          expect(listed.get(name)?.labels).toContain("io.cri-containerd.pinned=pinned");
        }
      }
      const states = await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "check");
      expect(states).not.toContain("incomplete");
      expect(await leftovers(nodes, node)).toBe("");
    }
  });

  test("nothing is sent the second time", async () => {
    const again = await load();
    for (const { route, sentBytes, presentNames } of again.nodes) {
      expect([route, sentBytes, presentNames]).toEqual(["none", 0, names().length]);
    }
  });

  test("a node that lacks one image gets only its content, and the others get nothing", async () => {
    const [node = ""] = nodes.names;
    await removeImages(nodes, node, PROMETHEUS.reference);
    const report = await load();
    const image = bundle.inventory.images.find((one) => one.normalized === PROMETHEUS.reference)!;
    const own = image.platforms[0]!.layers[1]!.size;
    const small = 20_000;
    const found = report.nodes.find((one) => one.node === node)!;
    expect(found.loadedNames).toEqual([PROMETHEUS.reference]);
    expect(found.sentBytes).toBeGreaterThanOrEqual(own);
    expect(found.sentBytes).toBeLessThan(own + small);
    expect(report.nodes.filter((one) => one.node !== node).map(({ route }) => route)).toEqual([
      "none",
      "none",
    ]);
  });

  test("nodes that cannot reach this machine get an import of the missing content", async () => {
    const [node = ""] = nodes.names;
    await removeImages(nodes, node, ".");
    const report = await load(bundle, cutOff(target));
    expect(report.nodes.find((one) => one.node === node)).toMatchObject({ route: "import" });
    const listed = await listImages(nodes, node);
    for (const image of bundle.inventory.images) {
      for (const name of image.names) {
        expect(listed.get(name)).toMatchObject({ digest: image.digest });
        expect(listed.get(name)?.labels).toContain("io.cri-containerd.pinned=pinned");
      }
    }
  });

  describe("interrupted", () => {
    // A separate image for each, because a node keeps the content of an interrupted load for the
    // next one.
    const large = (name: string): Promise<OpenBundle> =>
      bundleOf(folder, name, [
        {
          reference: `ghcr.io/large/${name}:1`,
          seed: name,
          mediaTypes: "oci",
          layers: [25_000_000, 25_000_000],
        },
      ]);

    test("by the signal: rejects, leaves nothing behind, and the next load succeeds", async () => {
      const stopped = await large("stopped");
      const controller = new AbortController();
      const run = workflowRun({
        signal: controller.signal,
        progress: (event) => {
          if (event.kind === "advanced" && event.step === "load") controller.abort();
        },
      });
      const interrupted = loadBundle(run, stopped, { target }, loadPorts());
      const error = await interrupted.catch((cause: unknown) => cause);
      expect(error).toBe(controller.signal.reason);
      for (const node of nodes.names) {
        expect(await leftovers(nodes, node)).toBe("");
        expect((await listImages(nodes, node)).has("ghcr.io/large/stopped:1")).toBe(false);
      }
      expect((await load(stopped)).nodes.map(({ route }) => route)).toEqual(["fetch", "fetch", "fetch"]);
    });

    test("by SIGKILL: the nodes clean up themselves, and the next load succeeds", async () => {
      const { file, ...killed } = await large("killed");
      const tsx = createRequire(import.meta.url).resolve("tsx");
      const script = join(import.meta.dirname, "load-once.ts");
      const loader = start(process.execPath, ["--import", tsx, script, file, nodes.cluster]);
      loader.process.stdout.once("data", () => loader.process.kill("SIGKILL"));
      expect(await loader.result).toMatchObject({ code: 137 });
      for (const node of nodes.names) {
        await expect.poll(() => leftovers(nodes, node), { timeout: 10_000 }).toBe("");
      }
      await load({ file, ...killed });
      for (const node of nodes.names) {
        expect((await listImages(nodes, node)).has("ghcr.io/large/killed:1")).toBe(true);
      }
    });
  });

  test("a stopped node is reported, and no other is changed", async () => {
    const [running = "", stopped = ""] = nodes.names;
    await removeImages(nodes, running, PROMETHEUS.reference);
    execFileSync("docker", ["pause", stopped]);
    try {
      await expect(load()).rejects.toMatchObject({ code: "NODE_LOAD_FAILED", subject: stopped });
      expect((await listImages(nodes, running)).has(PROMETHEUS.reference)).toBe(false);
    } finally {
      execFileSync("docker", ["unpause", stopped]);
    }
  });

  test("a node without enough space is reported, and nothing is sent to any node", async () => {
    const [other = "", full = ""] = nodes.names;
    const space = "/var/lib/containerd/io.containerd.content.v1.content";
    for (const node of [other, full]) await removeImages(nodes, node, PROMETHEUS.reference);
    await nodes.exec(full, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", space);
    try {
      const error = (await load().catch((cause: unknown) => cause)) as ViolaError;
      expect(error).toMatchObject({ code: "NODE_LOAD_FAILED", subject: full });
      expect(error.message).toMatch(/needs \d+\.\d MB .* 1\.0 MB are free/);
      expect((await listImages(nodes, other)).has(PROMETHEUS.reference)).toBe(false);
    } finally {
      await nodes.exec(full, "umount", space);
    }
    expect((await load()).nodes.map(({ sentBytes }) => sentBytes > 0)).toEqual([true, true, false]);
  });

  test("a damaged layer is reported before any node is changed", async () => {
    const [node = ""] = nodes.names;
    const damaged = await bundleOf(folder, "damaged", [
      { ...PROMETHEUS, reference: "quay.io/damaged/image:1" },
    ]);
    const layer = damaged.inventory.images[0]!.platforms[0]!.layers[1]!.digest;
    const { offset, size } = damaged.blobs.get(layer)!;
    const handle = await open(damaged.file, "r+");
    await handle.write(createHash("sha256").digest(), 0, 32, offset + Math.floor(size / 2));
    await handle.close();
    await expect(load(damaged)).rejects.toMatchObject({ code: "BUNDLE_INVALID" });
    expect((await listImages(nodes, node)).has("quay.io/damaged/image:1")).toBe(false);
  });
});

describeNodes("a node that goes away while it is loaded", () => {
  let nodes: Nodes;
  beforeAll(async () => {
    nodes = await startNodes(1);
  });
  afterAll(async () => {
    await nodes.remove();
  });

  test.each([
    ["is stopped", ["kill", "--signal=KILL"], ["start"], "fetch"],
    ["is paused", ["pause"], ["unpause"], "fetch"],
    ["is restarted", ["restart", "--time=0"], ["start"], "fetch"],
    ["is restarted", ["restart", "--time=0"], ["start"], "import"],
  ] as const)(
    "and %s is reported with a hint, and the other is completed",
    async (how, stop, wake, route) => {
      const [other = "", gone = ""] = nodes.names;
      const id = `${how.replaceAll(" ", "-")}-${route}`;
      const name = `ghcr.io/large/${id}:1`;
      const large = await bundleOf(folder, id, [
        { reference: name, seed: id, mediaTypes: "oci", layers: [25_000_000, 25_000_000] },
      ]);
      const notes: string[] = [];
      let isStopped = false;
      const progress: OnProgress = (event) => {
        if (event.kind === "note") notes.push(event.message);
        if (isStopped || event.kind !== "advanced" || event.step !== "load") return;
        // Immediately and without other work in this process: a tenth of the content has been sent.
        isStopped = true;
        execFileSync("docker", [...stop, gone]);
      };
      const kind = kindTarget(nodes.cluster);
      const target = route === "import" ? cutOff(kind) : kind;
      const loading = loadBundle(workflowRun({ progress }), large, { target }, loadPorts());
      const error = (await loading.catch((cause: unknown) => cause)) as ViolaError;
      execFileSync("docker", [...wake, gone]);
      await expect
        .poll(() => nodes.exec(gone, "ctr", "version").catch(() => ""), { timeout: 20_000 })
        .toContain("Server");

      expect(error).toMatchObject({ code: "NODE_LOAD_FAILED", subject: gone });
      expect(error.hint).toContain(`docker logs ${gone}`);
      expect(notes.join()).toContain(other);
      expect((await listImages(nodes, other)).has(name)).toBe(true);
      expect((await listImages(nodes, gone)).has(name)).toBe(false);

      const report = await loadBundle(workflowRun(), large, { target }, loadPorts());
      expect(report.nodes.map((node) => node.route)).toEqual(["none", route]);
    },
  );
});

describeNodes("a cluster", () => {
  test("that does not exist is rejected", async () => {
    const target = kindTarget("no-such-cluster");
    await expect(loadBundle(workflowRun(), bundle, { target }, loadPorts())).rejects.toMatchObject({
      code: "CLUSTER_NOT_FOUND",
      subject: "kind:no-such-cluster",
    });
  });
});
