// What installing works with and is asked for, and what its steps hand to one another: interfaces only.
import type { Inventory, InventoryRelease } from "../../core/bundle/inventory.js";
import type { ChartTool } from "../../core/charts/chart-tool.js";
import type { ContentStore, NodeIdentity, NodeTarget } from "../../core/load/node.js";
import type { OperatorRule } from "../../core/finding/operator-rules.js";
import type { Cluster, ClusterFacts, ReleaseTool } from "../../core/install/cluster.js";
import type { ImageRegistry } from "../../core/install/image-registry.js";
import type { Files } from "../ports.js";

/** What installing works with. */
export interface InstallPorts {
  readonly charts: Pick<ChartTool, "renderChart">;
  readonly loadOperators: () => Promise<readonly OperatorRule[]>;
  readonly cluster: Cluster;
  readonly releases: ReleaseTool;
  readonly files: Files;
  /** An existing folder that is removed when the command ends. */
  readonly temporaryFolder: string;
}

export interface InstallOptions extends ImagePlaces {
  /** The only release to install; undefined for all. */
  readonly release?: string | undefined;
  /** The user's values files, absolute; they win over those of the bundle. */
  readonly valuesFiles: readonly string[];
  readonly set: readonly string[];
  /** Images that may be missing, as the user writes them. */
  readonly allowedMissing: readonly string[];
  /** How long hooks, and then Pods, may take. */
  readonly timeoutSeconds: number;
  /** False to refuse what would have to be patched. */
  readonly isPatching: boolean;
  /** False to return as soon as Helm has applied everything. */
  readonly isWaiting: boolean;
}

/** A node that is asked for images. */
export type QueriedNode = Pick<NodeIdentity, "name" | "hostNames"> & Pick<ContentStore, "completeImages">;

/** Where images are looked for. Without either, in what the cluster lists for its nodes. */
export interface ImagePlaces {
  /** Where the images were loaded: its nodes are asked one by one, and the cluster for the nodes that it has besides. */
  readonly target?: NodeTarget<QueriedNode> | undefined;
  /** What all nodes pull from. */
  readonly registry?: ImageRegistry | undefined;
}

/** A reason not to begin. */
export interface InstallBlocker {
  readonly code: "kube-version" | "image-missing" | "pull-policy" | "always-pull-images";
  readonly subject: string;
  readonly message: string;
  readonly hint: string;
}

/** A bundle whose releases are extracted, and the cluster that they go to. */
export interface ExtractedBundle {
  readonly inventory: Inventory;
  readonly releases: readonly ExtractedRelease[];
  readonly facts: ClusterFacts;
}

/** A release with its chart and values as files. */
export interface ExtractedRelease {
  readonly release: InventoryRelease;
  readonly chartFile: string;
  /** Those of the bundle, then the user's, which win. */
  readonly valuesFiles: readonly string[];
}
