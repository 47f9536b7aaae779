// What rendered objects tell about the cluster that they need, for the audit of a bundle.
import { findApplyExcess } from "./apply-size.js";
import { formatPath } from "../json.js";
import { groupBy } from "../group-by.js";
import { findNetworkPulls } from "../kubernetes/pull-policy.js";
import type { RenderedObject } from "./rendered-object.js";

/** Objects are named `Kind namespace/name`, or `Kind name` without a namespace. */
export interface RenderedFacts {
  /** Each API version and kind, sorted. */
  readonly apis: readonly RenderedApi[];
  /** Fields that make the kubelet contact a registry at every start of a container. */
  readonly alwaysPulled: readonly AlwaysPulled[];
  /** CustomResourceDefinitions that `kubectl apply` cannot store in an annotation. */
  readonly largeDefinitions: readonly LargeDefinition[];
}

export interface RenderedApi {
  readonly apiVersion: string;
  readonly kind: string;
  /** Number of objects. */
  readonly objects: number;
  /** The first object. */
  readonly first: string;
}

export interface AlwaysPulled {
  readonly object: string;
  /** Path of the policy, which may be absent. */
  readonly path: string;
  /** As written; empty when no image is beside the policy. */
  readonly image: string;
  /** True when no policy is set and the tag is `latest`. */
  readonly implied: boolean;
}

export interface LargeDefinition {
  readonly object: string;
  readonly chart: string;
  /** About how many bytes the annotation has. */
  readonly bytes: number;
}

/** Returns the facts of all releases. The same objects always give the same facts. */
export function renderedFacts(objects: readonly RenderedObject[]): RenderedFacts {
  const byKind = groupBy(objects, ({ apiVersion, kind }) => JSON.stringify([apiVersion, kind]));
  return {
    apis: [...byKind]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([, [first, ...more]]) =>
        first === undefined
          ? []
          : [
              {
                apiVersion: first.apiVersion,
                kind: first.kind,
                objects: 1 + more.length,
                first: nameOf(first),
              },
            ],
      ),
    alwaysPulled: objects.flatMap((object) =>
      findNetworkPulls(object.body).map(({ path, image, policy }) => ({
        object: nameOf(object),
        path: formatPath(path),
        image,
        implied: policy === undefined,
      })),
    ),
    largeDefinitions: objects.flatMap((object) => {
      const bytes = object.largeText && findApplyExcess(object.largeText);
      return bytes ? [{ object: nameOf(object), chart: object.chart, bytes }] : [];
    }),
  };
}

function nameOf({ kind, namespace, name }: RenderedObject): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}
