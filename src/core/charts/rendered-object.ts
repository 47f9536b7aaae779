// A rendered Kubernetes object and its origin.

/** A parsed document of the output of `helm template`. */
export interface RenderedObject {
  /** The packaged chart that was rendered, as `NAME-VERSION`. */
  readonly chart: string;
  /** The release that was rendered. */
  readonly release: string;
  /**
   * The path from `# Source:`, with subcharts:
   * `kube-prometheus-stack/charts/loki/templates/read/statefulset.yaml`.
   */
  readonly template: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** The `helm.sh/hook` events; empty for an object that is not a hook. */
  readonly hooks: readonly string[];
  /** The condition under which the object is rendered; absent when it is always rendered. */
  readonly condition?: string;
  /**
   * About how many bytes `kubectl apply` would store in an annotation, for a
   * CustomResourceDefinition that is over the limit; see `findApplyExcess`.
   */
  readonly applyBytes?: number;
  /** The whole document. */
  readonly body: Readonly<Record<string, unknown>>;
}
