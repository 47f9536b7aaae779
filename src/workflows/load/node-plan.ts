// What each node is to be sent: whether its disk can take that, and how many fetches run at a time.
import type { Inventory } from "../../core/bundle/inventory.js";
import { missingBlobs, manifestsOf, type MissingContent } from "../../core/load/missing-content.js";
import type {
  ContentStore,
  FreeSpace,
  ImageLabels,
  ImageLoader,
  NodeIdentity,
  NodeNetwork,
} from "../../core/load/node.js";
import { oneOrMany, ViolaError } from "../../errors.js";

/** A node that is loaded. */
export type LoadNode = NodeIdentity &
  NodeNetwork &
  ContentStore &
  ImageLoader &
  Pick<ImageLabels, "listImages" | "addBundleLabel">;

/** A node that was asked what it has. */
export interface SurveyedNode {
  readonly node: LoadNode;
  readonly missing: readonly MissingContent[];
  readonly presentNames: number;
}

/** What a node is to be sent. */
export interface NodePlan extends SurveyedNode {
  /** Digests of config and layers that are on the node already, whatever names they have there. */
  readonly present: ReadonlySet<string>;
  /** Bytes that the node will most likely ask for. */
  readonly bytes: number;
  /** Bytes that the node's disk must take: the same, and what is unpacked at once. */
  readonly neededBytes: number;
  readonly space: FreeSpace | undefined;
}

/** Asks the node for its content and its free space. `unpack` is true where images are unpacked at once. */
export async function planNode(
  inventory: Inventory,
  surveyed: SurveyedNode,
  { unpack }: { readonly unpack?: boolean },
  signal: AbortSignal,
): Promise<NodePlan> {
  const { node, missing } = surveyed;
  const [present, space] = await Promise.all([node.presentBlobs(signal), node.freeSpace(signal)]);
  const wanted = new Set([...manifestsOf(missing), ...missingBlobs(missing, present)]);
  const bytes = inventory.blobs.reduce((sum, { digest, size }) => sum + (wanted.has(digest) ? size : 0), 0);
  const layers = new Map(
    missing.flatMap(({ platform }) => platform.layers.map((layer) => [layer.digest, layer] as const)),
  );
  const unpackedBytes = [...layers.values()].reduce(
    (sum, { size, uncompressedSize }) => sum + (uncompressedSize ?? size),
    0,
  );
  return { ...surveyed, present, bytes, neededBytes: bytes + (unpack === true ? unpackedBytes : 0), space };
}

/** Throws `NODE_LOAD_FAILED` for every node whose disk, which other nodes may share, cannot take what is to be sent. */
export function refuseFullDisks(plans: readonly NodePlan[]): void {
  const failures = plans.flatMap(({ node, neededBytes, space }) => {
    if (space === undefined) return [];
    const sharing = plans.filter((one) => one.space?.disk === space.disk);
    const inAll = sharing.reduce((sum, one) => sum + one.neededBytes, 0);
    if (inAll <= space.bytes) return [];
    const others = sharing.length > 1 ? `, and ${megabytes(inAll)} with the nodes that share its disk` : "";
    return new ViolaError(
      "NODE_LOAD_FAILED",
      `${node.name} needs ${megabytes(neededBytes)} for what it lacks${others}; ${megabytes(space.bytes)} are free there`,
      {
        subject: node.name,
        hint: "Free disk space where the node's containerd keeps its content; nothing was sent to any node.",
      },
    );
  });
  if (failures.length > 0) throw oneOrMany("disks of nodes are too full", failures);
}

/** Writes bytes for people. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * Fetches at a time over all nodes: each hashes and writes, so more than a few for each processor do not help, and above `most` the disk
 * that the nodes share is what everybody waits for.
 */
const FETCHES_IN_ALL = { perCore: 4, most: 16 };
const FETCHES_PER_NODE = { least: 2, most: 4 };

/** Returns how many images a node fetches at a time, and how many nodes do: together they stay within the bound. */
export function planFetches(
  nodes: number,
  cores: number,
): { readonly perNode: number; readonly nodes: number } {
  const inAll = Math.min(FETCHES_IN_ALL.perCore * cores, FETCHES_IN_ALL.most);
  const { least, most } = FETCHES_PER_NODE;
  const perNode = Math.max(least, Math.min(most, Math.floor(inAll / nodes)));
  return { perNode, nodes: Math.max(1, Math.min(nodes, Math.floor(inAll / perNode))) };
}
