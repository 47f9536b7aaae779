// What a rehearsal asks of a cluster: a snapshot before, and its restoration afterwards.
import type { Json } from "../json.js";
import type { Cluster } from "../install/cluster.js";

/** What a rehearsal asks of a cluster besides. */
export interface RehearsalCluster extends Cluster {
  /** Pods of all namespaces. */
  pods(signal: AbortSignal): Promise<readonly Json[]>;
  /** As `workloads`, and each object says which programs wrote it (`metadata.managedFields`). */
  workloadsWithMakers(namespace: string, signal: AbortSignal): Promise<readonly Json[]>;
  /** Records what is there before anything is installed into these namespaces. */
  snapshot(namespaces: readonly string[], signal: AbortSignal): Promise<ClusterSnapshot>;
  /**
   * Removes what Helm leaves behind when the releases are uninstalled: the objects of hooks and the
   * definitions of custom resources that were not there before, new namespaces and volume claims, the
   * mark that claims leave on volumes, and services that operators created in other namespaces since
   * then. Returns what stayed, and why.
   */
  restore(
    snapshot: ClusterSnapshot,
    changes: ClusterChanges,
    signal: AbortSignal,
  ): Promise<readonly string[]>;
}

/** What was there before. Names as kubectl prints them: `persistentvolume/NAME`. */
export interface ClusterSnapshot {
  readonly namespaces: readonly {
    readonly name: string;
    readonly wasThere: boolean;
    readonly claims: ReadonlySet<string>;
  }[];
  readonly definitions: ReadonlySet<string>;
  readonly freeVolumes: ReadonlySet<string>;
  /** `NAMESPACE/NAME` */
  readonly services: ReadonlySet<string>;
}

/** What a rehearsal may have left in the cluster. */
export interface ClusterChanges {
  /** Objects of hooks and definitions of custom resources of the charts. */
  readonly objects: readonly ObjectName[];
  /** Programs of the bundle that create objects by themselves, as `metadata.managedFields` names them. */
  readonly makers: ReadonlySet<string>;
}

/** An object of a chart. */
export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}
