// What installing asks of a cluster and of Helm.
import type { Json } from "../finding/walk.js";
import type { RenderInput } from "../charts/chart.js";

/** A cluster behind a kubeconfig context. Every call throws `CLUSTER_UNREACHABLE` when the API server does not answer or refuses. */
export interface Cluster {
  /** The context, as errors name it. */
  readonly context: string;
  /** Version such as `v1.30.2`, and API versions as charts ask for them: `apps/v1` and `apps/v1/Deployment`. */
  describe(signal: AbortSignal): Promise<ClusterFacts>;
  /** Node objects. */
  nodes(signal: AbortSignal): Promise<readonly Json[]>;
  /** `Active`, `Terminating`, or undefined for a namespace that is not there. */
  namespacePhase(namespace: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * True when the cluster makes every Pod pull its images anew (the AlwaysPullImages admission controller), found by a Pod that is never
   * made; undefined when the cluster refuses such a Pod.
   */
  alwaysPulls(namespace: string, signal: AbortSignal): Promise<boolean | undefined>;
  /** Pods, and the objects that make Pods. */
  workloads(namespace: string, signal: AbortSignal): Promise<readonly Json[]>;
  /** Events of type Warning, oldest first. */
  warnings(namespace: string, signal: AbortSignal): Promise<readonly Json[]>;
}

/** What a rehearsal asks of a cluster besides. */
export interface RehearsalCluster extends Cluster {
  /** Pods of all namespaces. */
  pods(signal: AbortSignal): Promise<readonly Json[]>;
  /** As `workloads`, and each object says which programs wrote it (`metadata.managedFields`). */
  workloadsWithMakers(namespace: string, signal: AbortSignal): Promise<readonly Json[]>;
  /** What is there before anything is installed into these namespaces. */
  remember(namespaces: readonly string[], signal: AbortSignal): Promise<ClusterMemory>;
  /**
   * Takes away what Helm leaves when the releases are gone: objects of hooks and definitions of custom resources (`made`, where they were not
   * there before), namespaces and volume claims that were not there, the mark that claims leave on volumes, and services in other namespaces
   * that one of these programs (`makers`) has written since. Returns what stayed, and why.
   */
  putBack(
    memory: ClusterMemory,
    made: readonly ObjectName[],
    makers: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<readonly string[]>;
}

/** What was there before. Names as kubectl prints them: `persistentvolume/NAME`. */
export interface ClusterMemory {
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

export interface ClusterFacts {
  readonly version: string;
  readonly apiVersions: readonly string[];
}

/** One release as `helm upgrade --install` gets it. */
export interface ReleaseInput extends Omit<RenderInput, "kubeVersion" | "apiVersions"> {
  /** Absolute path of the packaged chart. */
  readonly chartFile: string;
  /** True when a post-renderer is to patch pull policies. */
  readonly isPatched: boolean;
  /** True when there is no such release yet. */
  readonly isFirst: boolean;
  readonly timeoutSeconds: number;
}

/** The last revision of a release. */
export interface ReleaseState {
  readonly revision: number;
  /** Helm's word: `deployed`, `failed`, `pending-install`, … */
  readonly status: string;
  /** When the operation began that led to this, by the clock of who ran helm; undefined where Helm does not say. */
  readonly since: Date | undefined;
}

/** Helm against a cluster. Every failure is an `INSTALL_FAILED` with what helm said. */
export interface ReleaseTool {
  /** False for Helm 3, whose post-renderers never see hooks. */
  readonly patchesHooks: boolean;
  releaseState(release: string, namespace: string, signal: AbortSignal): Promise<ReleaseState | undefined>;
  /** Takes the release and its objects away, without running its hooks, and waits until they are gone. */
  uninstall(release: string, namespace: string, signal: AbortSignal): Promise<void>;
  /** Runs the chart's tests. */
  test(release: string, namespace: string, timeoutSeconds: number, signal: AbortSignal): Promise<void>;
  /** Installs or upgrades, hooks included; does not wait for Pods. */
  install(input: ReleaseInput, signal: AbortSignal): Promise<void>;
}
