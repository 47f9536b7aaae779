// What the program asks of a node, and of the place that nodes are found in.
import type { Platform } from "../oci/descriptor.js";

/** Where a node finds the images that are served to it. */
export interface ServedImages {
  /** `http://HOST:PORT/RANDOM-PATH`, without a slash at the end. */
  readonly endpoint: string;
}

/** A machine that runs containers from a containerd of its own. Every call ends early when the signal fires. */
export interface ClusterNode {
  readonly name: string;
  readonly platform: Platform;

  /** Returns those of the names that resolve on the node with all of their content present, with the digest each points to. */
  completeImages(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>;

  /** Returns the first of the endpoints that the node can reach, or undefined. */
  findReachable(endpoints: readonly string[], signal: AbortSignal): Promise<string | undefined>;

  /** Makes the node fetch the content of the images by these names, without unpacking. Throws `NODE_LOAD_FAILED`. */
  fetchImages(
    names: readonly string[],
    served: ServedImages,
    onImage: (name: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
}
