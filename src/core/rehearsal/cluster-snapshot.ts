// What a rehearsal asks of a cluster: a snapshot before, and its restoration afterwards.
import type { Json } from "../json.js";
import type { Cluster } from "../install/cluster.js";

/** What a rehearsal asks of a cluster besides. */
export interface RehearsalCluster extends Cluster {
  /** Pods of all namespaces. */
  pods(signal: AbortSignal): Promise<readonly Json[]>;
  /** As `workloads`, and each object says which programs wrote it (`metadata.managedFields`). */
  workloadsWithMakers(namespace: string, signal: AbortSignal): Promise<readonly Json[]>;
  /** What is there before anything is installed into these namespaces. */
  remember(namespaces: readonly string[], signal: AbortSignal): Promise<ClusterSnapshot>;
  /**
   * Takes away what Helm leaves when the releases are gone: objects of hooks and definitions of custom resources (`made`, where they were not
   * there before), namespaces and volume claims that were not there, the mark that claims leave on volumes, and services in other namespaces
   * that one of these programs (`makers`) has written since. Returns what stayed, and why.
   */
  putBack(
    memory: ClusterSnapshot,
    made: readonly ObjectName[],
    makers: ReadonlySet<string>,
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

/** An object of a chart. */
export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}
