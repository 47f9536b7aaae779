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

/*
 * A node is described by several interfaces, so that each workflow names only what it uses. Every call
 * rejects with the signal's reason when the signal fires, and then leaves nothing behind on the node.
 * Every failure is a `NODE_LOAD_FAILED` that names the node.
 */

/** How a node is known. */
export interface NodeIdentity {
  readonly name: string;
  readonly platform: Platform;
  /** Host names and addresses of the machine. Absent where a cluster knows it by `name`. */
  readonly hostNames?: readonly string[];
}

/** How a node reaches this machine. */
export interface NodeNetwork {
  /** Hosts (names or addresses) under which the node may reach this machine, likeliest first. */
  readonly hostAddresses: readonly string[];

  /**
   * Returns the first of the endpoints at which the node finds the image `name`, or undefined. An
   * endpoint is `http://HOST:PORT/PATH`.
   */
  findReachable(endpoints: readonly string[], name: string, signal: AbortSignal): Promise<string | undefined>;
}

/** What a node has. */
export interface ContentStore {
  /**
   * Returns those of the names that resolve on the node with all content for its platform present, with
   * the digest each points to.
   */
  completeImages(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>;

  /** Returns the digests of all blobs in the node's content store. */
  presentBlobs(signal: AbortSignal): Promise<ReadonlySet<string>>;

  /** Returns what is free where containerd keeps its content, or undefined when the node cannot tell. */
  freeSpace(signal: AbortSignal): Promise<FreeSpace | undefined>;
}

/** How content is brought to a node. */
export interface ImageLoader {
  /**
   * Makes the node fetch the content behind the names, without unpacking, pin them against garbage
   * collection, and label them with the bundle. A name is known to the node only when all of its content
   * is there.
   */
  fetchImages(wanted: readonly WantedName[], options: FetchOptions, signal: AbortSignal): Promise<void>;

  /**
   * Imports an OCI archive without unpacking, then pins the names in it and labels them with the bundle.
   * The caller makes the chunks, and ends them.
   */
  importImages(wanted: readonly WantedName[], options: ImportOptions, signal: AbortSignal): Promise<void>;

  /** Unpacks images, given by digest, for the node's platform; what is unpacked already costs nothing. */
  unpackImages(digests: readonly string[], signal: AbortSignal): Promise<void>;
}

export interface FetchOptions {
  /** The registry is at `ENDPOINT/v2/`. */
  readonly endpoint: string;
  /** See `bundleId`. */
  readonly bundle: string;
  /** How many images are fetched at once. */
  readonly concurrency: number;
}

export interface ImportOptions {
  readonly archive: Chunks;
  /** See `bundleId`. */
  readonly bundle: string;
}

/** Which names a node knows, and which bundles need them. `bundle` is a `bundleId`. */
export interface ImageLabels {
  /** Lists all names that the node knows. */
  listImages(signal: AbortSignal): Promise<readonly NodeImage[]>;

  /** Returns the names that containers, stopped ones too, were made from. */
  usedImages(signal: AbortSignal): Promise<ReadonlySet<string>>;

  /** Records that the bundle needs these names. */
  addBundleLabel(names: readonly string[], bundle: string, signal: AbortSignal): Promise<void>;

  /** Records that the bundle does not need these names any more. */
  removeBundleLabel(names: readonly string[], bundle: string, signal: AbortSignal): Promise<void>;

  /** Removes the names, and at once the content that nothing else refers to. */
  removeImages(names: readonly string[], signal: AbortSignal): Promise<void>;
}

/** Which registry a node pulls from. */
export interface MirrorControl {
  /**
   * Makes the node ask the registry at `ENDPOINT/v2/` for every image, whatever registry its name says,
   * and nothing else, until the mirror is lifted. The node lifts it by itself when this process is gone.
   * Rejects where its containerd reads no such settings.
   */
  mirrorAll(endpoint: string, signal: AbortSignal): Promise<NodeMirror>;
}

/** A machine that runs containers from a containerd of its own. */
export interface ClusterNode
  extends NodeIdentity, NodeNetwork, ContentStore, ImageLoader, ImageLabels, MirrorControl {}

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
