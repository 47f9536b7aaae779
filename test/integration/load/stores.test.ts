// Loads a bundle into a real Docker engine and podman, checks that its names resolve, and unloads
// it.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dockerStore } from "../../../src/adapters/docker/docker-store.js";
import { podmanStore } from "../../../src/adapters/podman/podman-store.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { loadStore, unloadStore } from "../../../src/workflows/load/engine.js";
import type { LoadReport } from "../../../src/workflows/load/nodes.js";
import { needs } from "../../support/parts.js";
import { mustRun, run } from "../../support/run.js";
import { bundleOf, type NamedImage } from "../../support/bundle-of.js";
import { dockerEngine, reader } from "./kind.js";
import { storedAs, type ImageStore } from "../../../src/core/load/image-store.js";
import { workflowRun } from "../../support/workflow-run.js";

// Unique names, because the engine is shared with other runs.
const own = randomBytes(3).toString("hex");
const namedImage = (reference: string, more: Partial<NamedImage> = {}): NamedImage => ({
  reference,
  seed: `${own} ${reference}`,
  mediaTypes: "oci",
  layers: [{ seed: own, bytes: 300_000 }, 200_000],
  ...more,
});
const TAGGED = `quay.io/viola-${own}/tagged:v1`;
const HUB = `viola-${own}/hub:2`;
const PINNED = `registry.k8s.io/viola-${own}/pinned`;
const BOTH = `busybox-${own}`;
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "viola-stores-"));
let bundle: OpenBundle;
beforeAll(async () => {
  const platforms = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));
  bundle = await bundleOf(folder, "viola", [
    namedImage(TAGGED),
    namedImage(HUB, { mediaTypes: "docker" }),
    namedImage(`${PINNED}@DIGEST`, { platforms }),
    namedImage(`${BOTH}:1.36@DIGEST`, { platforms }),
  ]);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const describeDocker = await needs("docker");
const describePodman = await needs("podman", "root");

function behaves(program: "docker" | "podman", connect: () => Promise<ImageStore>): void {
  let target: ImageStore;
  const load = (what = bundle): Promise<LoadReport> => loadStore(workflowRun(), what, target, { reader });
  const resolves = async (name: string): Promise<boolean> =>
    (await run(program, ["image", "inspect", name])).code === 0;
  beforeAll(async () => {
    target = await connect();
  });
  afterAll(async () => {
    await unloadStore(bundle.inventory, target, signal);
  });

  test("every tag resolves, and digests if the engine keeps them; the second load sends nothing", async () => {
    const [first] = (await load()).nodes;
    expect(first?.loadedNames.length).toBe(first!.presentNames + first!.loadedNames.length);
    expect(first?.sentBytes).toBeGreaterThan(500_000);
    const unresolved = new Set(first?.unresolved);
    for (const name of bundle.inventory.images.flatMap(({ names }) => names)) {
      expect([name, await resolves(name)]).toEqual([name, !unresolved.has(name)]);
      if (target.keepsDigests || !name.includes("@")) expect(unresolved).not.toContain(name);
    }
    const [again] = (await load()).nodes;
    expect(again).toMatchObject({ route: "none", sentBytes: 0, loadedNames: [] });
  });

  test("unload removes the bundle's names, but not those of others or of containers", async () => {
    await load();
    await mustRun(program, ["tag", TAGGED, `localhost/viola-${own}:mine`]);
    const container = (await mustRun(program, ["create", HUB, "true"])).trim();
    const held = await unloadStore(bundle.inventory, target, signal);
    expect(held.removed).toContain(TAGGED);
    expect(held.kept.map(({ name }) => name)).toContain(`docker.io/${HUB}`);
    expect(await resolves(TAGGED)).toBe(false);
    expect(await resolves(`localhost/viola-${own}:mine`)).toBe(true);
    await mustRun(program, ["rm", container]);
    const rest = await unloadStore(bundle.inventory, target, signal);
    expect(rest.removed).toEqual([`docker.io/${HUB}`]);
    expect(rest.freedBytes).toBeGreaterThan(0);
    expect(await unloadStore(bundle.inventory, target, signal)).toMatchObject({ removed: [], kept: [] });
    await mustRun(program, ["rmi", `localhost/viola-${own}:mine`]);
    const left = await mustRun(program, ["images", "--all", "--format", "{{.Repository}}"]);
    expect(left).not.toContain(own);
  });

  test("interrupted: rejects with the signal's reason, and the next load succeeds", async () => {
    const controller = new AbortController();
    const large = await bundleOf(folder, "large", [
      namedImage(`quay.io/viola-${own}/large:1`, { layers: [30_000_000, 30_000_000] }),
    ]);
    const run = workflowRun({
      signal: controller.signal,
      progress: (event) => {
        if (event.kind === "advanced" && event.step === "load") controller.abort();
      },
    });
    const interrupted = loadStore(run, large, target, { reader });
    expect(await interrupted.catch((cause: unknown) => cause)).toBe(controller.signal.reason);
    expect(await resolves(`quay.io/viola-${own}/large:1`)).toBe(false);
    expect((await load(large)).nodes[0]?.route).not.toBe("none");
    await unloadStore(large.inventory, target, signal);
  });

  test("unload removes content that one image of the bundle names by tag and another by digest", async () => {
    const seed = `${own} twice`;
    const names = [`quay.io/viola-${own}/a-pinned@DIGEST`, `quay.io/viola-${own}/b-tagged:1`];
    const twice = await bundleOf(
      folder,
      "twice",
      names.map((name) => namedImage(name, { seed })),
    );
    await load(twice);
    await unloadStore(twice.inventory, target, signal);
    const stored = await target.listImages(signal);
    expect(twice.inventory.images.flatMap((image) => storedAs(image, stored))).toEqual([]);
  });

  test("a tag that points to other content is moved", async () => {
    await load(await bundleOf(folder, "older", [namedImage(TAGGED, { seed: `${own} older` })]));
    const [node] = (await load()).nodes;
    expect(node?.loadedNames).toContain(TAGGED);
  });
}

describeDocker("docker", () => {
  behaves("docker", async () => dockerStore(await dockerEngine()));
});
describePodman("podman", () => {
  behaves("podman", () => Promise.resolve(podmanStore(process.env)));
});
