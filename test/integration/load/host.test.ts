// Targets on this machine: a containerd with its own socket, and k3s with a real containerd as a
// substitute.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findContainerd, findK3s } from "../../../src/adapters/nodes/local-nodes.js";
import { k3sImageFolder, listensAt } from "../../../src/adapters/nodes/k3s.js";
import type { ImageFolder } from "../../../src/core/load/image-folder.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { loadBundle } from "../../../src/workflows/load/nodes.js";
import { loadFolder, unloadFolder } from "../../../src/workflows/load/k3s-folder.js";
import { unloadBundle } from "../../../src/workflows/load/unload-nodes.js";
import { startContainerd, type Containerd } from "../../support/containerd.js";
import { needs } from "../../support/parts.js";
import { mustRun } from "../../support/run.js";
import { bundleOf, type NamedImage } from "../../support/bundle-of.js";
import { loadPorts } from "./kind.js";
import { workflowRun } from "../../support/workflow-run.js";

const describeHost = await needs("ctr", "root");

const IMAGES: readonly NamedImage[] = [
  { reference: "quay.io/host/one:1", seed: "host one", mediaTypes: "oci", layers: [2_000_000] },
  {
    reference: "busybox:1.36@DIGEST",
    seed: "host busybox",
    mediaTypes: "oci",
    layers: [50_000],
    // The bundle has the manifests of both platforms and the content of one. An import of all
    // platforms, as in k3s, must not fail.
    platforms: ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture })),
  },
];
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "viola-host-"));
let bundle: OpenBundle;
beforeAll(async () => {
  bundle = await bundleOf(folder, "host", IMAGES);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const names = (): readonly string[] => bundle.inventory.images.flatMap((image) => image.names).sort();

async function expectAll(containerd: Containerd): Promise<void> {
  const stored = await containerd.images();
  for (const image of bundle.inventory.images)
    for (const name of image.names) expect(stored.get(name)).toBe(image.digest);
  expect((await containerd.ctr("images", "check")).stdout).not.toContain("incomplete");
}

describeHost("a containerd of this machine", () => {
  let containerd: Containerd;
  beforeAll(async () => {
    containerd = await startContainerd();
  });
  afterAll(() => containerd.stop());

  test.each([
    ["containerd", () => Promise.resolve(findContainerd(containerd.socket, process.env))],
    ["k3s that runs", () => findK3s(process.env, containerd.socket)],
  ])("is loaded as %s, again without a byte, and unloaded", async (_, find) => {
    const target = await find();

    const first = await loadBundle(workflowRun(), bundle, { target: target }, loadPorts());
    expect(first.nodes).toMatchObject([{ route: "fetch", presentNames: 0, loadedNames: names() }]);
    await expectAll(containerd);

    const again = await loadBundle(workflowRun(), bundle, { target: target }, loadPorts());
    expect(again.nodes).toMatchObject([{ route: "none", presentNames: names().length, sentBytes: 0 }]);

    const [gone] = await unloadBundle(workflowRun(), bundle.inventory, target);
    expect(gone?.removed).toEqual(names());
    expect(gone?.freedBytes).toBeGreaterThan(2_000_000);
    expect((await containerd.images()).size).toBe(0);
  });

  test("whose socket is missing is reported with a hint", async () => {
    const socket = join(folder, "none.sock");
    await expect(findContainerd(socket, process.env).findNodes(signal)).rejects.toMatchObject({
      code: "NODE_LOAD_FAILED",
      subject: socket,
      hint: expect.stringContaining("containerd:") as string,
    });
  });

  test("reports the free space of its content folder", async () => {
    const [node] = await findContainerd(containerd.socket, process.env).findNodes(signal);
    expect((await node?.freeSpace(signal))?.bytes).toBeGreaterThan(0);
  });
});

describeHost("k3s that does not run", () => {
  const data = join(folder, "k3s data");
  const archive = (): string => join(data, "agent/images", readdirSync(join(data, "agent/images"))[0] ?? "");
  let images: ImageFolder;
  beforeAll(async () => {
    images = await k3sImageFolder({ K3S_DATA_DIR: data });
  });

  test("gets an archive for this machine in its images folder, which containerd imports as k3s does", async () => {
    expect(await listensAt(join(folder, "none.sock"))).toBe(false);
    const report = await loadFolder(workflowRun(), bundle, images, loadPorts());
    expect(report.nodes).toMatchObject([{ node: "k3s", route: "folder", loadedNames: names() }]);
    expect(readdirSync(join(data, "agent/images"))).toHaveLength(1);
    expect(archive()).toMatch(/\.tar$/);

    const containerd = await startContainerd();
    try {
      const { socket } = containerd;
      const own = ["--address", socket, "-n", "k8s.io", "images", "import", "--all-platforms", "--no-unpack"];
      await mustRun("ctr", [...own, archive()]);
      await expectAll(containerd);
      const target = findContainerd(socket, process.env);
      const then = await loadBundle(workflowRun(), bundle, { target: target }, loadPorts());
      expect(then.nodes).toMatchObject([{ route: "none", presentNames: names().length }]);
    } finally {
      await containerd.stop();
    }
  });

  test("is not changed when the archive exists, and gets it again when it is another one", async () => {
    await loadFolder(workflowRun(), bundle, images, loadPorts());
    const again = await loadFolder(workflowRun(), bundle, images, loadPorts());
    expect(again.nodes).toMatchObject([{ presentNames: names().length, loadedNames: [], sentBytes: 0 }]);

    writeFileSync(archive(), "cut short");
    const anew = await loadFolder(workflowRun(), bundle, images, loadPorts());
    expect(anew.nodes).toMatchObject([{ presentNames: 0, loadedNames: names() }]);
  });

  test("loses only the archive when the bundle is unloaded", async () => {
    await loadFolder(workflowRun(), bundle, images, loadPorts());
    const foreign = join(data, "agent/images/k3s-airgap-images-amd64.tar");
    writeFileSync(foreign, "another's");

    const report = await unloadFolder(bundle.inventory, images);

    expect(report.removed).toEqual(names());
    expect(report.freedBytes).toBeGreaterThan(2_000_000);
    expect(readdirSync(join(data, "agent/images"))).toEqual(["k3s-airgap-images-amd64.tar"]);
    expect(await unloadFolder(bundle.inventory, images)).toMatchObject({ removed: [], freedBytes: 0 });
    rmSync(foreign);
  });

  test("gets no partial archive when the load is interrupted", async () => {
    const controller = new AbortController();
    const { readSegments, ...rest } = loadPorts();
    const interrupted = loadFolder(workflowRun({ signal: controller.signal }), bundle, images, {
      ...rest,
      readSegments: async function* (...args) {
        for await (const chunk of readSegments(...args)) {
          yield chunk;
          if (chunk.length > 100_000) controller.abort();
        }
      },
    });
    const error = await interrupted.catch((cause: unknown) => cause);
    expect(error).toBe(controller.signal.reason);
    expect(readdirSync(join(data, "agent/images"))).toEqual([]);
  });

  test("is refused when the disk is too full, before anything is written", async () => {
    const small = join(folder, "small");
    mkdirSync(small);
    await mustRun("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", small]);
    try {
      const full = await k3sImageFolder({ K3S_DATA_DIR: small });
      await expect(loadFolder(workflowRun(), bundle, full, loadPorts())).rejects.toMatchObject({
        code: "NODE_LOAD_FAILED",
        subject: "k3s",
      });
      expect(readdirSync(join(small, "agent/images"))).toEqual([]);
    } finally {
      await mustRun("umount", [small]);
    }
  });

  test("has its data in the configured folder", async () => {
    const config = join(folder, "config.yaml");
    writeFileSync(config, `token: a\ndata-dir: "/mnt/k3s"\n`);
    const from = async (env: Record<string, string>): Promise<string> => (await k3sImageFolder(env)).path;
    expect(await from({ K3S_CONFIG_FILE: config })).toBe("/mnt/k3s/agent/images");
    expect(await from({ K3S_CONFIG_FILE: config, K3S_DATA_DIR: "/srv/k3s" })).toBe("/srv/k3s/agent/images");
    expect(await from({ K3S_CONFIG_FILE: "/nowhere" })).toBe("/var/lib/rancher/k3s/agent/images");
  });
});
