// Unloads images from real nodes with all available versions of containerd, and keeps those that
// others need.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadBundle } from "../../../src/workflows/load/nodes.js";
import { unloadBundle } from "../../../src/workflows/load/unload-nodes.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { containerds } from "../../support/containerds.js";
import { startNodes, type Nodes } from "../../support/nodes.js";
import { needs } from "../../support/parts.js";
import { bundleOf, type NamedImage } from "../../support/bundle-of.js";
import { kindTarget, loadPorts } from "./kind.js";
import { workflowRun } from "../../support/workflow-run.js";

const describeNodes = await needs("nodes");

const namedImage = (reference: string): NamedImage => ({
  reference,
  seed: reference,
  mediaTypes: "oci",
  layers: [200_000],
});
const SHARED = namedImage("quay.io/a/shared:1");
const OWN = namedImage("quay.io/a/own:1");
const USED = namedImage("quay.io/a/used:1");
const FOREIGN = namedImage("quay.io/a/foreign:1");

const folder = mkdtempSync(join(tmpdir(), "viola-unload-"));
let bundle: OpenBundle;
let other: OpenBundle;
beforeAll(async () => {
  bundle = await bundleOf(folder, "viola", [SHARED, OWN, USED, FOREIGN]);
  other = await bundleOf(folder, "other", [SHARED]);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describeNodes.each(containerds())("containerd %s", (_, programs) => {
  let nodes: Nodes;
  const ctr = (...command: string[]): Promise<string> =>
    nodes.exec(nodes.names[0] ?? "", "ctr", "-n", "k8s.io", ...command);
  const names = async (): Promise<readonly string[]> =>
    (await ctr("images", "ls", "-q")).trim().split("\n").sort();

  beforeAll(async () => {
    nodes = await startNodes(0, programs);
  });
  afterAll(async () => {
    await nodes.remove();
  });

  test("removes the bundle's images, keeps those that others need, and does nothing the second time", async () => {
    const target = kindTarget(nodes.cluster);
    // An image that existed before the bundles, without a label.
    const foreign = await bundleOf(folder, "foreign", [FOREIGN]);
    await loadBundle(workflowRun(), foreign, { target }, loadPorts());
    await ctr("images", "label", FOREIGN.reference, "io.viola-airgap.bundle/foreign_1.0.0=");
    await loadBundle(workflowRun(), other, { target }, loadPorts());
    await loadBundle(workflowRun(), bundle, { target, unpack: true }, loadPorts());
    const snapshots = (await ctr("snapshots", "ls")).trim().split("\n");
    expect(snapshots.length).toBeGreaterThanOrEqual(1 + 4);
    await ctr("containers", "create", USED.reference, "held", "true");

    const [report] = await unloadBundle(workflowRun(), bundle.inventory, target);
    expect(report?.removed).toEqual([OWN.reference]);
    expect(report?.freedBytes).toBeGreaterThanOrEqual(200_000);
    expect(report?.kept.map(({ name }) => name).sort()).toEqual(
      [SHARED, USED, FOREIGN].map(({ reference }) => reference).sort(),
    );
    const left = await names();
    expect(left).toContain(USED.reference);
    expect(left).not.toContain(OWN.reference);

    await ctr("containers", "rm", "held");
    const [after] = await unloadBundle(workflowRun(), bundle.inventory, target);
    expect(after?.removed).toEqual([USED.reference]);
    const [again] = await unloadBundle(workflowRun(), bundle.inventory, target);
    expect(again).toMatchObject({ removed: [], freedBytes: 0 });

    // The label of the other bundle now protects its image.
    const [last] = await unloadBundle(workflowRun(), other.inventory, target);
    expect(last?.removed).toEqual([SHARED.reference]);
    expect((await names()).filter((name) => !name.startsWith("sha256:"))).toEqual([FOREIGN.reference]);
  });
});
