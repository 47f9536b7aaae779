// Checks that the images of an installation are on every node of the cluster, or in the registry
// that the nodes pull from.
import type { Inventory } from "../../core/bundle/inventory.js";
import type { NodeTarget } from "../../core/load/node.js";
import type { ImageUse } from "../../core/images/image-use.js";
import type { Json } from "../../core/json.js";
import type { Cluster } from "../../core/install/cluster.js";
import { findMissingInRegistry } from "../../core/install/image-registry.js";
import { matchNodes, nodeName, type Machine, type MatchedNodes } from "../../core/kubernetes/match-nodes.js";
import {
  contentOfNode,
  findMissingImages,
  namesToFind,
  type MissingImage,
  type NodeContent,
} from "../../core/install/missing-images.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { Run } from "../progress.js";
import type { ImagePlaces, InstallBlocker, InstallPorts, QueriedNode } from "./types.js";
import { delay } from "../delay.js";

/** The images that an installation needs, and the inventory of its bundle. */
export interface NeededImages {
  readonly needed: readonly ImageUse[];
  readonly inventory: Inventory;
}

/** The kubelet lists its images every 30 s and reports them within another 10 s. */
const LISTING_MS = 60_000;
const LISTING_POLL_MS = 5_000;

/** Returns a blocker for every image that a Pod could not get. Throws the errors of the queries. */
export async function refuseMissing(
  run: Run,
  images: NeededImages,
  { target, registry }: ImagePlaces,
  { cluster }: Pick<InstallPorts, "cluster">,
): Promise<readonly InstallBlocker[]> {
  if (registry !== undefined) {
    const message = `images are looked up in ${registry.name}. Whether the nodes pull from it is not checked; load --settings writes the settings that they need`;
    run.progress({ kind: "note", message });
    const { needed, inventory } = images;
    const missing = await findMissingInRegistry(needed, inventory, registry, run.signal);
    return missing.map((one) => refuseImage(one, `is not in ${registry.name}`, registry.name));
  }
  const { missing, others } = await findMissingOnNodes(run, images, target, cluster);
  return missing.map((one) => {
    const outside = target === undefined ? [] : one.nodes.filter((node) => others.includes(node));
    return refuseImage(one, describeNodes(one), target?.name, outside);
  });
}

/**
 * Queries the nodes of the target, and reads the images of all other nodes from their Node objects.
 * Cordoned and tainted nodes are included: Pods of a DaemonSet tolerate cordons, and the
 * tolerations of Pods that operators create are unknown.
 */
async function findMissingOnNodes(
  { signal, progress }: Run,
  { needed, inventory }: NeededImages,
  target: NodeTarget<QueriedNode> | undefined,
  cluster: Cluster,
): Promise<{ readonly missing: readonly MissingImage[]; readonly others: readonly string[] }> {
  let objects = await cluster.nodes(signal);
  const queried =
    target === undefined ? [] : await queryNodes(namesToFind(needed), { target, objects }, cluster, signal);
  const isQueried = new Set(queried.map(({ node }) => node));
  const others = objects.map(nodeName).filter((name) => !isQueried.has(name));
  if (others.length > 0) {
    const which = target === undefined ? "each node" : `${others.join(", ")}, not part of ${target.name}`;
    const more = target === undefined ? "; with --to, each node is queried directly" : "";
    const message = `images are looked up by name in the Node objects of the cluster (${which})${more}`;
    progress({ kind: "note", message });
  }
  const deadline = Date.now() + LISTING_MS;
  for (;;) {
    const listed = objects.map(contentOfNode).filter(({ node }) => !isQueried.has(node));
    const missing = findMissingImages(needed, inventory, [...queried, ...listed]);
    // Images loaded a moment ago appear when the kubelet next lists its images. Waiting does not
    // help for images that are not in the bundle, or on nodes that were queried directly.
    const isComing = ({ isInBundle, nodes }: MissingImage): boolean =>
      isInBundle && !nodes.some((node) => isQueried.has(node));
    if (missing.length === 0 || !missing.every(isComing) || Date.now() >= deadline)
      return { missing, others };
    const detail = "waiting for the nodes to list their images";
    progress({ kind: "advanced", step: "guard", done: 0, detail });
    await delay(LISTING_POLL_MS, signal);
    objects = await cluster.nodes(signal);
  }
}

/** Queries containerd on every node of the target for the names that resolve and are complete. */
async function queryNodes(
  names: readonly string[],
  { target, objects }: { readonly target: NodeTarget<QueriedNode>; readonly objects: readonly Json[] },
  cluster: Cluster,
  signal: AbortSignal,
): Promise<readonly NodeContent[]> {
  const { pairs } = match(target, await target.findNodes(signal), objects, cluster);
  return settleAll(
    "some nodes could not be queried",
    pairs.map(async ({ machine, node }) => ({ node, complete: await machine.completeImages(names, signal) })),
  );
}

/**
 * Returns the nodes of the target if the cluster has no other nodes. Throws `CLUSTER_NOT_FOUND` if
 * it does, and the errors of finding the nodes.
 */
export async function findAllNodes<Node extends Machine>(
  target: NodeTarget<Node>,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<readonly Node[]> {
  const [found, objects] = await Promise.all([target.findNodes(signal), cluster.nodes(signal)]);
  const { others } = match(target, found, objects, cluster);
  if (others.length === 0) return found;
  throw new ViolaError(
    "CLUSTER_NOT_FOUND",
    `context ${cluster.context} has nodes that are not part of ${target.name}: ${others.join(", ")}`,
    {
      subject: cluster.context,
      hint: "Select the context of that cluster with --context. Remove the object of a deleted node with: kubectl delete node NAME",
    },
  );
}

/** Throws `CLUSTER_NOT_FOUND` if a machine of the target is not a node of the cluster. */
function match<M extends Machine>(
  target: Pick<NodeTarget, "name">,
  machines: readonly M[],
  objects: readonly Json[],
  { context }: Cluster,
): MatchedNodes<M> {
  const matched = matchNodes(machines, objects);
  const [stranger] = matched.strangers;
  if (stranger === undefined) return matched;
  const { name, hostNames } = stranger;
  const has = objects.map(nodeName).join(", ") || "none";
  throw new ViolaError(
    "CLUSTER_NOT_FOUND",
    hostNames === undefined
      ? `context ${context} is not the cluster of ${target.name}: it has no node ${name} (its nodes: ${has})`
      : `this machine is not a node of context ${context}: names, host names and addresses of ${has} were compared with ${hostNames.join(", ")}`,
    {
      subject: context,
      hint:
        hostNames === undefined
          ? "Select the context of that cluster with --context."
          : "Select the context of this machine's cluster with --context, or run install without --to to look images up in the Node objects of the cluster.",
    },
  );
}

function describeNodes({ nodes, unsure }: MissingImage): string {
  const word = nodes.length === 1 ? "node" : "nodes";
  const doubt = unsure.length === 0 ? "" : ` according to the Node objects, which do not list all images`;
  return `is not complete on ${word} ${nodes.join(", ")}${doubt}`;
}

function refuseImage(
  missing: MissingImage,
  where: string,
  target: string | undefined,
  outside: readonly string[] = [],
): InstallBlocker {
  const { image, usedBy } = missing;
  return {
    code: "image-missing",
    subject: image,
    message: `image ${image} ${where}${usedBy === "" ? "" : ` (used by ${usedBy})`}`,
    hint: adviseOn(missing, target, outside),
  };
}

/** `outside`: nodes of the cluster that lack the image and are not part of the target. */
function adviseOn(
  { image, unsure, isInBundle, exclusion }: MissingImage,
  target: string | undefined,
  outside: readonly string[],
): string {
  if (unsure.length > 0) {
    const allow = `if you know that the image is on ${unsure.join(", ")}, add --allow-missing ${image}`;
    return target === undefined
      ? `Add --to with the target that the images were loaded into, so that its nodes are queried directly. Or, ${allow}`
      : `List the images on the node with crictl images; ${allow}`;
  }
  if (isInBundle && outside.length > 0) {
    return `Load the bundle into ${outside.join(", ")} too: every node of this cluster needs the image, and ${target ?? ""} does not include these nodes`;
  }
  if (isInBundle) return `Load the bundle first: viola-airgap load BUNDLE --to ${target ?? "TARGET"}`;
  return exclusion === undefined
    ? "The bundle does not contain it. Install with the values that the bundle was built for, or build a bundle with these values."
    : `The spec excludes it ("${exclusion}"). Load it onto the nodes, or, if no Pod starts it, add --allow-missing ${image}`;
}
