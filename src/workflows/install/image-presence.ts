// Whether the images of an installation are where its Pods would get them: on every node of the cluster, or in the registry that nodes pull from.
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

/** The images that an installation needs, and the bundle that they should come from. */
export interface NeededImages {
  readonly needed: readonly ImageUse[];
  readonly inventory: Inventory;
}

/** The kubelet looks at its images every half minute and tells within another ten seconds. */
const LISTING_MS = 60_000;
const LISTING_POLL_MS = 5_000;

/** Returns a refusal for every image that some Pod would not get. Throws what asking throws. */
export async function refuseMissing(
  run: Run,
  images: NeededImages,
  { target, registry }: ImagePlaces,
  { cluster }: Pick<InstallPorts, "cluster">,
): Promise<readonly InstallBlocker[]> {
  if (registry !== undefined) {
    const message = `images are looked up in ${registry.name}; that the nodes pull from there is not: load --settings writes what they need for it`;
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
 * Asks the nodes of the target, and looks up in Node objects what the others have. Every node counts, cordoned and tainted ones too: Pods of a
 * DaemonSet tolerate the one, and what Pods of operators tolerate is written nowhere.
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
    const which = target === undefined ? "each node" : `${others.join(", ")}, not of ${target.name}`;
    const more = target === undefined ? "; with --to every node itself is asked" : "";
    const message = `images are looked up in what the cluster lists for ${which}, by name alone${more}`;
    progress({ kind: "note", message });
  }
  const deadline = Date.now() + LISTING_MS;
  for (;;) {
    const listed = objects.map(contentOfNode).filter(({ node }) => !isQueried.has(node));
    const missing = findMissingImages(needed, inventory, [...queried, ...listed]);
    // What was loaded a moment ago is listed when the kubelet looks next; what the bundle lacks, or a node that was asked, will not come.
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

/** Asks containerd on every node of the target what resolves and is complete. */
async function queryNodes(
  names: readonly string[],
  { target, objects }: { readonly target: NodeTarget<QueriedNode>; readonly objects: readonly Json[] },
  cluster: Cluster,
  signal: AbortSignal,
): Promise<readonly NodeContent[]> {
  const { pairs } = match(target, await target.findNodes(signal), objects, cluster);
  return settleAll(
    "nodes could not be asked",
    pairs.map(async ({ machine, node }) => ({ node, complete: await machine.completeImages(names, signal) })),
  );
}

/**
 * Returns the nodes of the target when they are all that the cluster has. Throws `CLUSTER_NOT_FOUND` when they are not, and what finding them
 * throws.
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
    `context ${cluster.context} has nodes that ${target.name} has not: ${others.join(", ")}`,
    {
      subject: cluster.context,
      hint: "Name the context of that cluster with --context; what is left of a node that is gone: kubectl delete node NAME",
    },
  );
}

/** Throws `CLUSTER_NOT_FOUND` when machines of the target are no nodes of the cluster. */
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
      ? `context ${context} is another cluster than ${target.name}: it has no node ${name} (it has ${has})`
      : `context ${context} has no node that is this machine: names, host names and addresses of ${has} were compared with ${hostNames.join(", ")}`,
    {
      subject: context,
      hint:
        hostNames === undefined
          ? "Name the context of that cluster with --context."
          : "Name the context of this machine's cluster with --context, or run install without --to: images are looked up then in what the cluster lists.",
    },
  );
}

function describeNodes({ nodes, unsure }: MissingImage): string {
  const word = nodes.length === 1 ? "node" : "nodes";
  const doubt = unsure.length === 0 ? "" : ` as far as the cluster lists, and it does not list all`;
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
    message: `image ${image} ${where}${usedBy === "" ? "" : ` (wanted by ${usedBy})`}`,
    hint: adviseOn(missing, target, outside),
  };
}

/** `outside` are nodes of the cluster without the image that the target has not. */
function adviseOn(
  { image, unsure, isInBundle, exclusion }: MissingImage,
  target: string | undefined,
  outside: readonly string[],
): string {
  if (unsure.length > 0) {
    const allow = `if you know that ${unsure.join(", ")} has it, add --allow-missing ${image}`;
    return target === undefined
      ? `Name with --to where the images were loaded: the nodes themselves are asked then. Or, ${allow}`
      : `See what the node itself lists (crictl images); ${allow}`;
  }
  if (isInBundle && outside.length > 0) {
    return `Load the bundle into ${outside.join(", ")}, too: what runs Pods in this cluster needs it, and ${target ?? ""} does not reach there`;
  }
  if (isInBundle) return `Load the bundle first: viola-airgap load BUNDLE --to ${target ?? "TARGET"}`;
  return exclusion === undefined
    ? "The bundle does not hold it: install with the values that the bundle was built for, or build one with these values."
    : `The spec leaves it out ("${exclusion}"): get it onto the nodes, or, if no Pod will start it, add --allow-missing ${image}`;
}
