// Interfaces of a node, and of the target that nodes are found in.
import type { Platform } from "../oci/descriptor.js";
import type { Chunks } from "../bundle/partial-archive.js";

/** A name to load into a node, and the platform whose content it needs. */
export interface WantedName {
  readonly name: string;
  /** `os/arch[/variant]` as in the inventory. */
  readonly platform: string;
}

/** A name that a node lists. Its content may be incomplete. */
export interface NodeImage {
  readonly name: string;
  readonly digest: string;
  /** Ids of the bundles that loaded it or also need it. */
  readonly bundles: readonly string[];
}

/*
 * A node has several interfaces, so that each workflow depends only on what it uses. Every call
 * rejects with the signal's reason when the signal fires, and cleans up on the node. All other
 * failures are a `NODE_LOAD_FAILED` that names the node.
 */

/** The identity of a node. */
export interface NodeIdentity {
  readonly name: string;
  readonly platform: Platform;
  /** Host names and addresses of the machine. Absent if `name` is the name of its Node object. */
  readonly hostNames?: readonly string[];
}

/** How a node reaches this machine. */
export interface NodeNetwork {
  /** Host names or addresses at which the node may reach this machine, most likely first. */
  readonly hostAddresses: readonly string[];

  /**
   * Returns the first of the endpoints at which the node finds the image `name`, or undefined. An
   * endpoint is `http://HOST:PORT/PATH`.
   */
  findReachable(endpoints: readonly string[], name: string, signal: AbortSignal): Promise<string | undefined>;
}

/** The content of a node. */
export interface ContentStore {
  /**
   * Returns the names that resolve on the node and whose content for its platform is complete. The
   * values are the digests that they point to.
   */
  completeImages(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>;

  /** Returns the digests of all blobs in the node's content store. */
  presentBlobs(signal: AbortSignal): Promise<ReadonlySet<string>>;

  /**
   * Protects these blobs against the node's garbage collection until they are released. Blobs that
   * the node does not have are protected as soon as they arrive. Only what `presentBlobs` returns
   * after this is certain to stay. The node releases the blobs by itself after this process has
   * ended.
   */
  holdBlobs(digests: readonly string[], signal: AbortSignal): Promise<HeldBlobs>;

  /** Returns the free space in the data directory of containerd, or undefined if it is unknown. */
  freeSpace(signal: AbortSignal): Promise<FreeSpace | undefined>;
}

/** Loads content into a node. */
export interface ImageLoader {
  /**
   * Makes the node fetch the content of the names without unpacking, pin them against garbage
   * collection, and label them with the bundle. The node knows a name only after all of its content
   * is complete.
   */
  fetchImages(wanted: readonly WantedName[], options: FetchOptions, signal: AbortSignal): Promise<void>;

  /**
   * Imports an OCI archive without unpacking, then pins the names in it and labels them with the
   * bundle. The caller creates the chunks and closes their source. Content that the archive omits
   * may have been removed from the node meanwhile: returns the message of the node then.
   */
  importImages(
    wanted: readonly WantedName[],
    options: ImportOptions,
    signal: AbortSignal,
  ): Promise<{ readonly missingContent?: string }>;

  /** Unpacks images, given by digest, for the node's platform. Unpacked images are skipped. */
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

  /** Returns the names that running or stopped containers were created from. */
  usedImages(signal: AbortSignal): Promise<ReadonlySet<string>>;

  /** Records that the bundle needs these names. */
  addBundleLabel(names: readonly string[], bundle: string, signal: AbortSignal): Promise<void>;

  /** Records that the bundle no longer needs these names. */
  removeBundleLabel(names: readonly string[], bundle: string, signal: AbortSignal): Promise<void>;

  /** Removes the names, and synchronously the content that nothing else refers to. */
  removeImages(names: readonly string[], signal: AbortSignal): Promise<void>;
}

/** Which registry a node pulls from. */
export interface MirrorControl {
  /**
   * Makes the node pull the images of all registries only from `ENDPOINT/v2/`, until the mirror is
   * lifted. The node lifts it by itself after this process has ended. Rejects if its containerd
   * does not read such settings.
   */
  mirrorAll(endpoint: string, signal: AbortSignal): Promise<NodeMirror>;
}

/** A machine with its own containerd. */
export interface ClusterNode
  extends NodeIdentity, NodeNetwork, ContentStore, ImageLoader, ImageLabels, MirrorControl {}

/** Blobs that a node keeps although no image may refer to them. */
export interface HeldBlobs {
  /** Returns to the regular garbage collection. Content of images that the node knows stays. */
  release(): Promise<void>;
}

/** Free bytes of a disk. Nodes of one target with the same `disk` share it. */
export interface FreeSpace {
  readonly disk: string;
  readonly bytes: number;
}

/** A mirror that a node uses for every registry. */
export interface NodeMirror {
  /** Restores the settings, then removes images that were pulled meanwhile and are not in use. */
  lift(): Promise<void>;
}

/** A target that nodes are found in. */
export interface NodeTarget<Node = ClusterNode> {
  /** As on the command line: `kind:viola`. */
  readonly name: string;
  /**
   * Throws `CLUSTER_NOT_FOUND` with the names of existing clusters, `DOCKER_UNAVAILABLE`, or
   * `NODE_LOAD_FAILED` for each node that does not respond.
   */
  findNodes(signal: AbortSignal): Promise<readonly Node[]>;
}
