// Takes away from nodes what a bundle brought and nothing else uses.
import type { ClusterNode, NodeTarget } from "../../core/load/node.js";
import { bundleId, planUnload, type KeptName } from "../../core/load/unload-plan.js";
import type { Inventory } from "../../core/bundle/inventory.js";
import { settleAll } from "../../errors.js";
import type { OnProgress } from "../progress.js";

export interface UnloadReport {
  readonly node: string;
  /** Names that are gone, sorted. */
  readonly removed: readonly string[];
  readonly kept: readonly KeptName[];
  /** Bytes of the bundle's content that the node has no more. */
  readonly freedBytes: number;
}

/**
 * Unloads by the rule of `planUnload`, on all nodes at once. Asks each node afterwards which content is gone. Doing it again does nothing.
 * Throws what finding nodes throws, and `NODE_LOAD_FAILED` for each node that failed, when all others have finished.
 */
export async function unloadBundle(
  inventory: Inventory,
  target: NodeTarget,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<readonly UnloadReport[]> {
  const step = `unload:${target.name}`;
  onProgress({ kind: "started", step, title: `Unloading from ${target.name}` });
  const nodes = await target.findNodes(signal);
  const reports = await settleAll(
    "nodes could not be unloaded",
    nodes.map((node) => unloadNode(inventory, node, signal)),
  );
  onProgress({ kind: "ended", step, summary: `${nodes.length} nodes` });
  return reports;
}

async function unloadNode(
  inventory: Inventory,
  node: ClusterNode,
  signal: AbortSignal,
): Promise<UnloadReport> {
  const [images, used, before] = await settleAll("the node could not be asked", [
    node.listImages(signal),
    node.usedImages(signal),
    node.presentBlobs(signal),
  ]);
  const { remove, configNames, disclaim, kept } = planUnload(inventory, images, used);
  await node.labelBundle(disclaim, bundleId(inventory), false, signal);
  await node.removeImages([...remove, ...configNames], signal);
  const after = remove.length > 0 ? await node.presentBlobs(signal) : before;
  const gone = inventory.blobs.filter(({ digest }) => before.has(digest) && !after.has(digest));
  return {
    node: node.name,
    removed: remove,
    kept,
    freedBytes: gone.reduce((sum, { size }) => sum + size, 0),
  };
}
