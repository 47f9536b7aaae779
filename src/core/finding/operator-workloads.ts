// Tells what operators run for custom resources, by the knowledge base.
import { componentLabels, describeObject, type RenderedObject } from "../charts/rendered-object.js";
import type { OperatorWorkload } from "../images/image-use.js";
import { groupOf } from "../kubernetes/api-group.js";
import { groupBy } from "../group-by.js";
import type { OperatorRule, WorkloadRule } from "./operator-rules.js";
import { hasField, type Resources } from "./operators.js";

/** What runs images for custom resources. */
export interface Workloads {
  /** Returns what an operator creates for the resource; empty for any other object. */
  ofObject(object: RenderedObject): readonly OperatorWorkload[];
  /** Returns what the operator creates with the image of the flag; empty when that is not known. */
  ofFlag(rule: OperatorRule, flag: string): readonly OperatorWorkload[];
}

/** `operators` are those that run in the cluster; resources of others are shown as they are. */
export function describeWorkloads(operators: Iterable<OperatorRule>, resources: Resources): Workloads {
  const byKind = groupBy(
    [...operators].flatMap(({ workloads }) => workloads),
    ({ group, kind }) => `${group}/${kind}`,
  );
  return {
    ofObject: (object) =>
      (byKind.get(`${groupOf(object.apiVersion)}/${object.kind}`) ?? [])
        .filter((rule) => isFor(rule, object))
        .map((rule) => toWorkload(rule, object)),
    ofFlag: ({ workloads }, flag) =>
      workloads
        .filter(({ flags }) => flags.includes(flag))
        .flatMap((rule) =>
          (resources.get(`${rule.group}/${rule.kind}`) ?? [])
            .filter((object) => isFor(rule, object))
            .map((object) => toWorkload(rule, object)),
        ),
  };
}

function isFor({ group, kind, has }: WorkloadRule, object: RenderedObject): boolean {
  return hasField({ group, kind, has }, object);
}

function toWorkload({ runs, component }: WorkloadRule, object: RenderedObject): OperatorWorkload {
  const labels = componentLabels(object);
  return {
    kind: runs,
    ...(component !== undefined && { component }),
    object: describeObject(object),
    template: object.template,
    release: object.release,
    ...(labels !== undefined && { labels }),
  };
}
