// A node whose disk becomes full while it is loaded, by both routes.
import { mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { findContainerd } from "../../../src/adapters/nodes/local-nodes.js";
import type { NodeTarget } from "../../../src/core/load/node.js";
import { ManyErrors } from "../../../src/errors.js";
import { loadBundle, type LoadReport } from "../../../src/workflows/load/nodes.js";
import type { LoadNode } from "../../../src/workflows/load/node-plan.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { bundleOf } from "../../support/bundle-of.js";
import { startContainerd, type Containerd } from "../../support/containerd.js";
import { needs } from "../../support/parts.js";
import { mustRun } from "../../support/run.js";
import { workflowRun } from "../../support/workflow-run.js";
import { loadPorts } from "./kind.js";

const describeHost = await needs("ctr", "root");

/** Smaller than the layers together, and larger than the first two. */
const DISK = "9m";
const LAYER = 3_000_000;

describeHost("a disk that becomes full", () => {
  const folder = mkdtempSync(join(tmpdir(), "viola-full-"));
  let disk: string;
  let containerd: Containerd;
  let bundle: OpenBundle;

  beforeAll(async () => {
    bundle = await bundleOf(
      folder,
      "bundle",
      ["a", "b", "c", "d"].map((name) => ({
        seed: name,
        mediaTypes: "oci" as const,
        layers: [LAYER],
        reference: `quay.io/full/${name}:1`,
      })),
    );
  });
  beforeEach(async () => {
    disk = mkdtempSync(join(tmpdir(), "viola-disk-"));
    await mustRun("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "tmpfs", disk]);
    containerd = await startContainerd(undefined, undefined, disk);
  });
  afterEach(async () => {
    await containerd.stop();
    await mustRun("umount", [disk]);
    rmdirSync(disk);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** The survey finds enough space, as when another program fills the disk later. */
  const load = (changes: Partial<LoadNode>): Promise<LoadReport> => {
    const found = findContainerd(containerd.socket, process.env);
    const target: NodeTarget<LoadNode> = {
      name: found.name,
      findNodes: async (signal) =>
        (await found.findNodes(signal)).map((node) =>
          Object.assign(node, { freeSpace: () => Promise.resolve(undefined), ...changes }),
        ),
    };
    return loadBundle(workflowRun(), bundle, { target }, loadPorts());
  };

  it.each<[string, Partial<LoadNode>]>([
    ["fetch", {}],
    ["import", { findReachable: () => Promise.resolve(undefined) }],
  ])("is named, and the next load completes, by the route %s", async (route, changes) => {
    const error: unknown = await load(changes).catch((cause: unknown) => cause);
    const errors = error instanceof ManyErrors ? error.errors : [error];
    for (const one of errors) {
      expect(one).toMatchObject({
        code: "NODE_LOAD_FAILED",
        hint: expect.stringMatching(/^Free disk space/) as string,
      });
    }

    await mustRun("mount", ["-o", "remount,size=64m", disk]);
    const { nodes } = await load(changes);
    expect(nodes).toMatchObject([{ route }]);
    const stored = await containerd.images();
    for (const { names, digest } of bundle.inventory.images)
      for (const name of names) expect(stored.get(name)).toBe(digest);
    expect((await containerd.ctr("images", "check")).stdout).not.toContain("incomplete");
  });
});
