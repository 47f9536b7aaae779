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

/** How a release is removed for good. */
export interface RemovalOptions {
  /** Time limit of the hooks, and of waiting for the deletion. */
  readonly timeoutSeconds: number;
  readonly runsHooks: boolean;
  /** False to return as soon as Helm has requested the deletion. */
  readonly isWaiting: boolean;
}

/** Helm with a cluster, for taking releases away. Every failure is an `UNINSTALL_FAILED`. */
export interface ReleaseRemover {
  /** True if the release exists in the cluster, whatever its state. */
  isInstalled(release: ReleaseName, signal: AbortSignal): Promise<boolean>;
  /**
   * Returns the charts (`NAME-VERSION`) of all revisions whose objects may be in the cluster: those
   * that are neither superseded nor uninstalled. Empty if there is no such release.
   */
  installedCharts(release: ReleaseName, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Runs `helm uninstall`, with the hooks of the chart. Returns what helm says of objects that it
   * kept, one line each.
   */
  remove(release: ReleaseName, options: RemovalOptions, signal: AbortSignal): Promise<readonly string[]>;
  /** Returns the YAML of the definitions in the `crds/` folders of a packaged chart. */
  definitionsOf(chartFile: string, signal: AbortSignal): Promise<string>;
}

/** What is left in a cluster after releases were uninstalled. */
export interface ClusterRemains {
  readonly context: string;
  /** Returns those of the objects of a YAML text that exist: `customresourcedefinition…/NAME`. */
  findExisting(yaml: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Returns the persistent volume claims of the namespace that are not being deleted. */
  claims(namespace: string, signal: AbortSignal): Promise<readonly Json[]>;
  /** Returns all persistent volumes that are not being deleted. */
  volumes(signal: AbortSignal): Promise<readonly Json[]>;
  /** See `Cluster`. */
  namespacePhase(namespace: string, signal: AbortSignal): Promise<string | undefined>;
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
