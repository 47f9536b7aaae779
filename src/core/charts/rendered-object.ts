// A rendered Kubernetes document with its provenance.

/** One document of `helm template`, parsed. */
export interface RenderedObject {
  /** The packaged chart that was rendered, as `NAME-VERSION`. */
  readonly chart: string;
  /** Release that was rendered. */
  readonly release: string;
  /** The path behind `# Source:`, subcharts included: `kube-prometheus-stack/charts/loki/templates/read/statefulset.yaml`. */
  readonly template: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** The `helm.sh/hook` events, empty for an object that is no hook. */
  readonly hooks: readonly string[];
  /** What must hold for the object to be rendered, when it is not rendered always. */
  readonly condition?: string;
  /** The whole document. */
  readonly body: Readonly<Record<string, unknown>>;
}
