// Types of installing: its ports and options, and the values passed between its steps.
import type { Inventory, InventoryRelease } from "../../core/bundle/inventory.js";
import type { ChartTool } from "../../core/charts/chart-tool.js";
import type { ContentStore, NodeIdentity, NodeTarget } from "../../core/load/node.js";
import type { OperatorIndex } from "../../core/finding/operator-index.js";
import type { Cluster, ClusterFacts, ReleaseTool } from "../../core/install/cluster.js";
import type { ImageRegistry } from "../../core/install/image-registry.js";
import type { Files } from "../ports.js";

/** The adapters that installing works with. */
export interface InstallPorts {
  readonly charts: Pick<ChartTool, "renderChart">;
  readonly loadOperators: () => Promise<OperatorIndex>;
  readonly cluster: Cluster;
  readonly releases: ReleaseTool;
  readonly files: Files;
  /** An existing folder that is removed when the command ends. */
  readonly temporaryFolder: string;
}

export interface InstallOptions extends ImagePlaces {
  /** The only release to install; undefined for all. */
  readonly release?: string | undefined;
  /** Absolute paths of the user's values files, which override those of the bundle. */
  readonly valuesFiles: readonly string[];
  readonly set: readonly string[];
  /** Images that may be missing, as the user wrote them. */
  readonly allowedMissing: readonly string[];
  /** Time limit of the hooks, and then of the Pods. */
  readonly timeoutSeconds: number;
  /** False to refuse pull policies instead of patching them. */
  readonly isPatching: boolean;
  /** False to return as soon as Helm has applied everything. */
  readonly isWaiting: boolean;
}

/** A node that is queried for images. */
export type QueriedNode = Pick<NodeIdentity, "name" | "hostNames"> & Pick<ContentStore, "completeImages">;

/** Where images are looked up. With neither field, in the Node objects of the cluster. */
export interface ImagePlaces {
  /**
   * Where the images were loaded. Its nodes are queried directly. Node objects are used for all
   * other nodes of the cluster.
   */
  readonly target?: NodeTarget<QueriedNode> | undefined;
  /** The registry that all nodes pull from. */
  readonly registry?: ImageRegistry | undefined;
}

/** A reason not to start the installation. */
export interface InstallBlocker {
  readonly code: "kube-version" | "image-missing" | "pull-policy" | "always-pull-images";
  readonly subject: string;
  readonly message: string;
  readonly hint: string;
}

/** A bundle with extracted releases, and the cluster to install them on. */
export interface ExtractedBundle {
  readonly inventory: Inventory;
  readonly releases: readonly ExtractedRelease[];
  readonly facts: ClusterFacts;
}

/** A release whose chart and values were written to files. */
export interface ExtractedRelease {
  readonly release: InventoryRelease;
  readonly chartFile: string;
  /** Values files of the bundle, then those of the user; later files override earlier ones. */
  readonly valuesFiles: readonly string[];
}
