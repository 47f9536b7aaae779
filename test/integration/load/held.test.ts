// A load by the streamed route and garbage collection: what it counts as present on a node stays until
// the images are known there.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findContainerd } from "../../../src/adapters/nodes/local-nodes.js";
import type { NodeTarget } from "../../../src/core/load/node.js";
import { loadBundle, type NodeReport } from "../../../src/workflows/load/nodes.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { bundleOf } from "../../support/bundle-of.js";
import { startContainerd, type Containerd } from "../../support/containerd.js";
import { containerds } from "../../support/containerds.js";
import { COLLECT, findCtr, leaveBlob, pathWithCtr } from "../../support/left-blob.js";
import { needs } from "../../support/parts.js";
import { workflowRun } from "../../support/workflow-run.js";
import { loadPorts } from "./kind.js";

const NAME = "quay.io/org/app:1";
const LARGE = 3_000_000;
const ANCHOR = "io.viola-airgap.anchor";

const describeHost = await needs("ctr", "root");

describeHost.each(containerds())("streaming to containerd %s", (_, programs) => {
  const real = findCtr(programs);
  let folder: string;
  let containerd: Containerd;
  let bundle: OpenBundle;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "viola-held-"));
    containerd = await startContainerd(undefined, programs);
    bundle = await bundleOf(folder, "bundle", [
      { seed: "held", mediaTypes: "oci", layers: [LARGE, 5_000], reference: NAME },
    ]);
  });
  afterEach(async () => {
    await containerd.stop();
    rmSync(folder, { recursive: true });
  });

  const digests = (): { layer: string; config: string; manifest: string } => {
    const { digest = "", config, layers } = bundle.inventory.images[0]?.platforms[0] ?? {};
    return { layer: layers?.[0]?.digest ?? "", config: config?.digest ?? "", manifest: digest };
  };
  const leave = (digest: string): Promise<void> => leaveBlob(real, containerd.socket, bundle, digest);
  /** Streams the bundle, with a ctr as `pathWithCtr` makes it. */
  const load = async (before: string): Promise<NodeReport | undefined> => {
    const env = { ...process.env, PATH: pathWithCtr(folder, programs, before) };
    const found = findContainerd(containerd.socket, env);
    const target: NodeTarget = {
      name: found.name,
      findNodes: async (signal) =>
        (await found.findNodes(signal)).map((node) =>
          Object.assign(node, { findReachable: () => Promise.resolve(undefined) }),
        ),
    };
    return (await loadBundle(workflowRun(), bundle, { target }, loadPorts())).nodes[0];
  };
  const isLoaded = async (): Promise<boolean> => {
    const { stdout } = await containerd.ctr("images", "check", `name==${NAME}`);
    return / complete \((\d+)\/\1\) /.test(stdout);
  };

  it("keeps what was left there, and does not send it", async () => {
    const { layer } = digests();
    await leave(layer);
    // The lease of an import that was interrupted ends like this.
    const lapse = `"$real" -n k8s.io content label ${layer} containerd.io/gc.root= >/dev/null; ${COLLECT}`;

    const report = await load(lapse);

    expect(report).toMatchObject({ route: "import", loadedNames: [NAME] });
    expect(report?.sentBytes).toBeLessThan(LARGE);
    expect((await containerd.ctr("content", "ls")).stdout).not.toContain(ANCHOR);
    await containerd.ctr("leases", "create", "--id", "collect");
    await containerd.ctr("leases", "rm", "--sync", "collect");
    expect(await isLoaded()).toBe(true);
  });

  it.each(["layer", "config"] as const)("sends the %s that is gone all the same", async (role) => {
    const content = digests()[role];
    await leave(content);

    const report = await load(`"$real" -n k8s.io content rm ${content} >/dev/null`);

    expect(report).toMatchObject({ route: "import", loadedNames: [NAME] });
    expect(await isLoaded()).toBe(true);
  });

  it("removes the anchor of a node that stopped a day ago, and no other", async () => {
    const now = Math.floor(Date.now() / 1000);
    const { layer, config } = digests();
    for (const [digest, age] of [
      [layer, 90_000],
      [config, 60],
    ] as const) {
      await leave(digest);
      await containerd.ctr("content", "label", digest, `${ANCHOR}=${now - age}`);
    }

    await load("sleep 0");

    const { stdout } = await containerd.ctr("content", "ls", `labels."${ANCHOR}"`);
    expect(stdout).toContain(`${ANCHOR}=${now - 60}`);
    expect(stdout).not.toContain(`${ANCHOR}=${now - 90_000}`);
    expect(await isLoaded()).toBe(true);
  });
});
