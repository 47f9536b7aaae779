// What the program asks of a node, and of the place that nodes are found in.
import type { Platform } from "../oci/descriptor.js";
import type { Chunks } from "../bundle/partial-archive.js";

/** One name that a node is to know, and the platform whose content it needs behind it. */
export interface WantedName {
  readonly name: string;
  /** `os/arch[/variant]` as the inventory spells it. */
  readonly platform: string;
}

/** A name that a node lists, whether its content is complete or not. */
export interface NodeImage {
  readonly name: string;
  readonly digest: string;
  /** The bundles that brought it, or found that another had. */
  readonly bundles: readonly string[];
}

/**
 * A machine that runs containers from a containerd of its own. Every call rejects with the signal's reason when the signal fires, and
 * leaves nothing behind on the node then. Every failure is a `NODE_LOAD_FAILED` that names the node.
 */
export interface ClusterNode {
  readonly name: string;
  readonly platform: Platform;
  /** What else the machine goes by: host names and addresses. Absent where a cluster knows it by `name`. */
  readonly hostNames?: readonly string[];
  /** Hosts (names or addresses) under which the node may reach this machine, likeliest first. */
  readonly hostAddresses: readonly string[];

  /** Returns those of the names that resolve on the node with all content for its platform present, with the digest each points to. */
  completeImages(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>;

  /** Returns the digests of all blobs in the node's content store. */
  presentBlobs(signal: AbortSignal): Promise<ReadonlySet<string>>;

  /** Returns what is free where the node's containerd keeps its content, or undefined when the node cannot tell. */
  freeSpace(signal: AbortSignal): Promise<FreeSpace | undefined>;

  /** Returns the first of the endpoints at which the node finds the image `name`, or undefined. An endpoint is `http://HOST:PORT/PATH`. */
  findReachable(endpoints: readonly string[], name: string, signal: AbortSignal): Promise<string | undefined>;

  /**
   * Makes the node fetch the content behind the names from the registry at `ENDPOINT/v2/`, without unpacking, several at once, pin
   * them against garbage collection, and note that the bundle brought them. A name is known to the node only when all of its content is there.
   */
  fetchImages(
    wanted: readonly WantedName[],
    endpoint: string,
    bundle: string,
    concurrency: number,
    signal: AbortSignal,
  ): Promise<void>;

  /** Imports an OCI archive without unpacking, then pins and notes the names in it. The caller makes the chunks, and ends them. */
  importImages(
    wanted: readonly WantedName[],
    archive: Chunks,
    bundle: string,
    signal: AbortSignal,
  ): Promise<void>;

  /** Unpacks what these digests of images point to, for the node's platform; what is unpacked already costs nothing. */
  unpackImages(digests: readonly string[], signal: AbortSignal): Promise<void>;

  /** Lists all names that the node knows. */
  listImages(signal: AbortSignal): Promise<readonly NodeImage[]>;

  /** Returns the names that containers, stopped ones too, were made from. */
  usedImages(signal: AbortSignal): Promise<ReadonlySet<string>>;

  /** Notes that the bundle needs these names, or that it does no more. */
  labelBundle(names: readonly string[], bundle: string, needed: boolean, signal: AbortSignal): Promise<void>;

  /** Takes the names away, and at once the content that nothing else refers to. */
  removeImages(names: readonly string[], signal: AbortSignal): Promise<void>;

  /**
   * Makes the node ask the registry at `ENDPOINT/v2/` for every image, whatever registry its name says, and nothing else, until the mirror is
   * lifted; the node lifts it by itself when this process is gone. Says so where its containerd reads no such settings.
   */
  mirrorAll(endpoint: string, signal: AbortSignal): Promise<NodeMirror>;
}

/** Free bytes of a disk; nodes of one target that name the same disk share it. */
export interface FreeSpace {
  readonly disk: string;
  readonly bytes: number;
}

/** A mirror that a node uses for every registry. */
export interface NodeMirror {
  /** Puts everything back as it was: settings first, then images that came meanwhile and that nothing runs from. */
  lift(): Promise<void>;
}

/** The place that nodes are found in. */
export interface NodeTarget<Node = ClusterNode> {
  /** As on the command line: `kind:viola`. */
  readonly name: string;
  /** Throws `CLUSTER_NOT_FOUND` naming the clusters that exist, `DOCKER_UNAVAILABLE`, or `NODE_LOAD_FAILED` for each node that does not answer. */
  findNodes(signal: AbortSignal): Promise<readonly Node[]>;
}
