// Plans what each node is sent, checks its disk space, and limits concurrent fetches.
import { contentToRun, refuseAbsent } from "../../core/load/absent-content.js";
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
import type { OpenBundle } from "../ports.js";

/** A node to load into. */
export type LoadNode = NodeIdentity &
  NodeNetwork &
  ContentStore &
  ImageLoader &
  Pick<ImageLabels, "listImages" | "addBundleLabel">;

/** A node and the content that it is missing. */
export interface SurveyedNode {
  readonly node: LoadNode;
  readonly missing: readonly MissingContent[];
  readonly presentNames: number;
}

/** What a node is sent. */
export interface NodePlan extends SurveyedNode {
  /** Bytes that the node is expected to request. */
  readonly bytes: number;
  /** Bytes needed on the node's disk: `bytes`, plus the unpacked layers if it unpacks at once. */
  readonly neededBytes: number;
  /** Digests of the blobs that the node has. */
  readonly present: ReadonlySet<string>;
  readonly space: FreeSpace | undefined;
}

/** Queries the node for its content and free space. `unpack`: images are unpacked while loading. */
export async function planNode(
  { blobs }: OpenBundle,
  surveyed: SurveyedNode,
  { unpack }: { readonly unpack?: boolean },
  signal: AbortSignal,
): Promise<NodePlan> {
  const { node, missing } = surveyed;
  const [present, space] = await Promise.all([node.presentBlobs(signal), node.freeSpace(signal)]);
  const wanted = new Set([...manifestsOf(missing), ...missingBlobs(missing, present)]);
  const bytes = [...blobs.values()].reduce(
    (sum, { digest, size }) => sum + (wanted.has(digest) ? size : 0),
    0,
  );
  const layers = new Map(
    missing.flatMap(({ platform }) => platform.layers.map((layer) => [layer.digest, layer] as const)),
  );
  const unpackedBytes = [...layers.values()].reduce(
    (sum, { size, uncompressedSize }) => sum + (uncompressedSize ?? size),
    0,
  );
  const neededBytes = bytes + (unpack === true ? unpackedBytes : 0);
  return { ...surveyed, bytes, neededBytes, present, space };
}

/** Throws `BASE_MISSING` for content that is neither at hand nor on a node; see `refuseAbsent`. */
export function refuseAbsentContent(bundle: OpenBundle, plans: readonly NodePlan[]): void {
  const needed = plans.flatMap(({ node, missing, present }) =>
    missing.map(({ image, platform }) => ({
      where: node.name,
      image,
      digests: contentToRun(image, platform).filter((digest) => !present.has(digest)),
    })),
  );
  refuseAbsent(bundle, needed);
}

/** Throws `NODE_LOAD_FAILED` for every node whose disk is too small. Nodes may share a disk. */
export function refuseFullDisks(plans: readonly NodePlan[]): void {
  const failures = plans.flatMap(({ node, neededBytes, space }) => {
    if (space === undefined) return [];
    const sharing = plans.filter((one) => one.space?.disk === space.disk);
    const inAll = sharing.reduce((sum, one) => sum + one.neededBytes, 0);
    if (inAll <= space.bytes) return [];
    const others =
      sharing.length > 1 ? `, and ${megabytes(inAll)} together with the nodes that share its disk` : "";
    return new ViolaError(
      "NODE_LOAD_FAILED",
      `${node.name} needs ${megabytes(neededBytes)} for the missing content${others}; ${megabytes(space.bytes)} are free`,
      {
        subject: node.name,
        hint: "Free disk space in the data directory of the node's containerd. Nothing was sent to any node.",
      },
    );
  });
  if (failures.length > 0) throw oneOrMany("the nodes do not have enough disk space", failures);
}

/** Formats a size in bytes as megabytes: `12.3 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * Limits of concurrent fetches over all nodes. Each fetch hashes and writes, so more than a few per
 * core do not help. Above `most`, the disk that the nodes share is the bottleneck.
 */
const FETCHES_IN_ALL = { perCore: 4, most: 16 };
const FETCHES_PER_NODE = { least: 2, most: 4 };

/** Returns how many images a node fetches at once, and how many nodes are loaded at once. */
export function planFetches(
  nodes: number,
  cores: number,
): { readonly perNode: number; readonly nodes: number } {
  const inAll = Math.min(FETCHES_IN_ALL.perCore * cores, FETCHES_IN_ALL.most);
  const { least, most } = FETCHES_PER_NODE;
  const perNode = Math.max(least, Math.min(most, Math.floor(inAll / nodes)));
  return { perNode, nodes: Math.max(1, Math.min(nodes, Math.floor(inAll / perNode))) };
}
