// What installing asks of a cluster and of Helm.
import type { Json } from "../json.js";
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

/** A release by its name and namespace. */
export interface ReleaseName {
  readonly name: string;
  readonly namespace: string;
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
  releaseState(release: ReleaseName, signal: AbortSignal): Promise<ReleaseState | undefined>;
  /** Takes the release and its objects away, without running its hooks, and waits until they are gone. */
  uninstall(release: ReleaseName, signal: AbortSignal): Promise<void>;
  /** Runs the chart's tests. */
  test(
    release: ReleaseName,
    options: { readonly timeoutSeconds: number },
    signal: AbortSignal,
  ): Promise<void>;
  /** Installs or upgrades, hooks included; does not wait for Pods. */
  install(input: ReleaseInput, signal: AbortSignal): Promise<void>;
}
