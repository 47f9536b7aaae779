// A rendered Kubernetes object and its origin.
import type { ComponentLabels } from "../images/image-use.js";
import { textOf, valueAtPath, type Path } from "../json.js";

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
  /** The text of a CustomResourceDefinition that may be too large for `kubectl apply`. */
  readonly largeText?: string;
  /** The whole document. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Returns `Kind namespace/name`, or `Kind name` without a namespace. */
export function describeObject({
  kind,
  namespace,
  name,
}: Pick<RenderedObject, "kind" | "namespace" | "name">): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

const LABELS_AT: readonly Path[] = [
  ["metadata", "labels"],
  ["spec", "template", "metadata", "labels"],
  ["spec", "jobTemplate", "spec", "template", "metadata", "labels"],
];

/** Returns the recommended labels of the object, or else of its Pods; undefined without any. */
export function componentLabels({ body }: Pick<RenderedObject, "body">): ComponentLabels | undefined {
  const label = (key: string): string | undefined =>
    LABELS_AT.map((path) => textOf(valueAtPath(body, [...path, `app.kubernetes.io/${key}`]))).find(
      (value) => value !== undefined,
    );
  const name = label("name");
  const component = label("component");
  if (name === undefined && component === undefined) return undefined;
  return { ...(name !== undefined && { name }), ...(component !== undefined && { component }) };
}
