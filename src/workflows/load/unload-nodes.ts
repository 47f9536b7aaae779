// Removes from nodes the images that a bundle loaded and nothing else uses.
import { countOf } from "../../core/count-of.js";
import type { ContentStore, ImageLabels, NodeIdentity, NodeTarget } from "../../core/load/node.js";
import { bundleId } from "../../core/bundle/names.js";
import { planUnload, type KeptName } from "../../core/load/unload-plan.js";
import type { Inventory } from "../../core/bundle/inventory.js";
import { settleAll } from "../../errors.js";
import type { Run } from "../progress.js";

/** A node to unload from. */
export type UnloadNode = Pick<NodeIdentity, "name"> & Pick<ContentStore, "presentBlobs"> & ImageLabels;

export interface UnloadReport {
  readonly node: string;
  /** Names that were removed, sorted. */
  readonly removed: readonly string[];
  readonly kept: readonly KeptName[];
  /** Bytes of the bundle's content that were removed from the node. */
  readonly freedBytes: number;
}

/**
 * Unloads by the rule of `planUnload`, on all nodes at once, and measures what was freed. Running
 * it again changes nothing. Throws the errors of finding nodes, and `NODE_LOAD_FAILED` for each
 * node that failed, after all other nodes have finished.
 */
export async function unloadBundle(
  { signal, progress }: Run,
  inventory: Inventory,
  target: NodeTarget<UnloadNode>,
): Promise<readonly UnloadReport[]> {
  const step = `unload:${target.name}`;
  progress({ kind: "started", step, title: `Unloading from ${target.name}` });
  const nodes = await target.findNodes(signal);
  const reports = await settleAll(
    "some nodes could not be unloaded",
    nodes.map((node) => unloadNode(inventory, node, signal)),
  );
  progress({ kind: "ended", step, summary: countOf(nodes.length, "node") });
  return reports;
}

async function unloadNode(
  inventory: Inventory,
  node: UnloadNode,
  signal: AbortSignal,
): Promise<UnloadReport> {
  const [images, used, before] = await settleAll("the node could not be queried", [
    node.listImages(signal),
    node.usedImages(signal),
    node.presentBlobs(signal),
  ]);
  const { remove, configNames, disclaim, kept } = planUnload(inventory, images, used);
  await node.removeBundleLabel(disclaim, bundleId(inventory), signal);
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
