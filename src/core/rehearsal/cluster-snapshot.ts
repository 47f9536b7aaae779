// Snapshot and restoration of the cluster that a rehearsal uses.
import type { Json } from "../json.js";
import type { Cluster } from "../install/cluster.js";

/** The cluster operations that a rehearsal needs in addition to those of an installation. */
export interface RehearsalCluster extends Cluster {
  /** Pods of all namespaces. */
  pods(signal: AbortSignal): Promise<readonly Json[]>;
  /**
   * Like `workloads`, but the objects include `metadata.managedFields`, which tell which programs
   * wrote them.
   */
  workloadsWithMakers(namespace: string, signal: AbortSignal): Promise<readonly Json[]>;
  /** Returns the state before anything is installed into these namespaces. */
  snapshot(namespaces: readonly string[], signal: AbortSignal): Promise<ClusterSnapshot>;
  /**
   * Removes what remains after the releases are uninstalled: hook objects and custom resource
   * definitions that are not in the snapshot, namespaces and volume claims that are not in the
   * snapshot, the claim references that deleted claims leave on volumes, and services in other
   * namespaces that one of the programs `makers` has written since. Returns one line for each thing
   * that could not be removed, with the reason.
   */
  restore(
    snapshot: ClusterSnapshot,
    changes: ClusterChanges,
    signal: AbortSignal,
  ): Promise<readonly string[]>;
}

/**
 * The state before the installation. Names are in the format of kubectl: `persistentvolume/NAME`.
 */
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

/** What may remain in the cluster after a rehearsal. */
export interface ClusterChanges {
  /** Hook objects and custom resource definitions of the charts. */
  readonly objects: readonly ObjectName[];
  /** Operators of the bundle, by their names in `metadata.managedFields`. */
  readonly makers: ReadonlySet<string>;
}

/** The identity of an object of a chart. */
export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}
