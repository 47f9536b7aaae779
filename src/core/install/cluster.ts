// Interfaces of the cluster and of Helm for installing.
import type { Json } from "../json.js";
import type { RenderInput } from "../charts/chart.js";

/**
 * The cluster of a kubeconfig context. Every call throws `CLUSTER_UNREACHABLE` if the API server
 * does not respond or denies the request.
 */
export interface Cluster {
  /** The name of the context, used in errors. */
  readonly context: string;
  /**
   * Returns the version, such as `v1.30.2`, and API versions: `apps/v1` and `apps/v1/Deployment`.
   */
  describe(signal: AbortSignal): Promise<ClusterFacts>;
  /** Returns the Node objects. */
  nodes(signal: AbortSignal): Promise<readonly Json[]>;
  /** Returns `Active`, `Terminating`, or undefined if the namespace does not exist. */
  namespacePhase(namespace: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * True if the cluster has the AlwaysPullImages admission controller, which is detected with a
   * dry-run Pod. Undefined if the cluster rejects this Pod.
   */
  alwaysPulls(namespace: string, signal: AbortSignal): Promise<boolean | undefined>;
  /** Returns Pods, and the objects that create Pods. */
  workloads(namespace: string, signal: AbortSignal): Promise<readonly Json[]>;
  /** Returns events of type Warning, oldest first. */
  warnings(namespace: string, signal: AbortSignal): Promise<readonly Json[]>;
}

export interface ClusterFacts {
  readonly version: string;
  readonly apiVersions: readonly string[];
}

/** One release for `helm upgrade --install`. */
export interface ReleaseInput extends Omit<RenderInput, "kubeVersion" | "apiVersions"> {
  /** Absolute path of the packaged chart. */
  readonly chartFile: string;
  /** True if a post-renderer patches pull policies. */
  readonly isPatched: boolean;
  /** True if the release does not exist yet. */
  readonly isFirst: boolean;
  readonly timeoutSeconds: number;
}

/** A release by its name and namespace. */
export interface ReleaseName {
  readonly name: string;
  readonly namespace: string;
}

/** The last revision of a release. */
export interface ReleaseState {
  readonly revision: number;
  /** Status of Helm: `deployed`, `failed`, `pending-install`, … */
  readonly status: string;
  /** Start of the last operation, by the clock of the host that ran helm; undefined if unknown. */
  readonly since: Date | undefined;
}

/** Helm with a cluster. Every failure is an `INSTALL_FAILED` with the error of helm. */
export interface ReleaseTool {
  /** False for Helm 3, whose post-renderers do not get hooks. */
  readonly patchesHooks: boolean;
  releaseState(release: ReleaseName, signal: AbortSignal): Promise<ReleaseState | undefined>;
  /** Uninstalls the release without running its hooks, and waits until its objects are deleted. */
  uninstall(release: ReleaseName, signal: AbortSignal): Promise<void>;
  /** Runs the tests of the chart. */
  test(
    release: ReleaseName,
    options: { readonly timeoutSeconds: number },
    signal: AbortSignal,
  ): Promise<void>;
  /** Installs or upgrades the release and runs its hooks. Does not wait for Pods. */
  install(input: ReleaseInput, signal: AbortSignal): Promise<void>;
}
