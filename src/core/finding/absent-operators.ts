// Custom resources of operators of the knowledge base that are in no chart of the bundle.
import type { RenderedObject } from "../charts/rendered-object.js";
import { groupBy } from "../group-by.js";
import type { FindingWarning } from "../images/image-use.js";
import { SETTLE_ABSENT } from "../images/warning-advice.js";
import { groupOf } from "../kubernetes/api-group.js";
import type { OperatorIndex } from "./operator-index.js";
import type { OperatorRule } from "./operator-rules.js";
import {
  allMeeting,
  findActiveRules,
  type ActiveRule,
  type ImpliedImage,
  type OperatorSettings,
  type OperatorUse,
  type Resources,
} from "./operators.js";
import { findImage } from "./rules/candidate.js";
import { fillReference, isSetByResource, isSet } from "./reference-template.js";

/** What an operator that is installed by other means starts for the custom resources. */
export interface AbsentOperator {
  readonly images: readonly ImpliedImage[];
  readonly warnings: readonly FindingWarning[];
}

/**
 * Finds the custom resources that make an operator outside the bundle start images. Images that the
 * resource determines are required. There is a warning for those that depend on the operator.
 *
 * Resources that several operators serve only give the warning. Groups of Kubernetes itself
 * (`gateway.networking.k8s.io`) are ignored, because any controller may serve them.
 */
export function* findAbsentOperators(
  known: OperatorIndex,
  present: readonly OperatorUse[],
  resources: Resources,
): Iterable<AbsentOperator> {
  const rules = known.serving(new Set([...resources.keys()].map((kind) => kind.slice(0, kind.indexOf("/")))));
  const served = groupBy(
    rules.flatMap((rule) => [...kindsOf(rule)].map((kind) => ({ kind, rule }))),
    ({ kind }) => kind,
  );
  const ids = new Set(present.map(({ rule }) => rule.id));
  const explained = new Set<RenderedObject>();
  for (const rule of rules) {
    const kinds = [...kindsOf(rule)].filter((kind) => resources.has(kind) && !isShared(kind));
    const isAbsent = kinds.every((kind) => !(served.get(kind) ?? []).some((entry) => ids.has(entry.rule.id)));
    if (kinds.length === 0 || !isAbsent) continue;
    const isOnly = kinds.every((kind) => served.get(kind)?.length === 1);
    const settings: OperatorSettings = { rule, container: {}, image: undefined, values: {}, configMaps: [] };
    const images: ImpliedImage[] = [];
    const open = new Set(openResources(settings, resources));
    for (const demand of findActiveRules(settings, resources)) {
      const resource = demand.scope.resource;
      if (resource === undefined || isShared(kindOf(resource))) continue;
      const image = isOnly ? toImplied(rule, demand, resource) : undefined;
      if (image !== undefined) images.push(image);
      else if (demand.required) open.add(resource);
    }
    const unexplained = [...open].filter((object) => !explained.has(object));
    for (const object of unexplained) explained.add(object);
    const [first] = unexplained;
    yield { images, warnings: first === undefined ? [] : [warningFor(rule, first, unexplained.length - 1)] };
  }
}

/** Returns the resources whose images the knowledge base does not know. */
function openResources(settings: OperatorSettings, resources: Resources): readonly RenderedObject[] {
  return settings.rule.unknown.flatMap(({ when, given, unless = [] }) =>
    when === undefined || given !== undefined
      ? []
      : allMeeting(when, resources).filter(
          (resource) =>
            !isShared(kindOf(resource)) && !unless.some((name) => isSet(name, { ...settings, resource })),
        ),
  );
}

function toImplied(
  rule: OperatorRule,
  { image, scope, required, doing }: ActiveRule,
  object: RenderedObject,
): ImpliedImage | undefined {
  if (!isSetByResource(image.reference, scope)) return undefined;
  const reference = fillReference(image.reference, scope);
  if (reference === undefined || findImage(reference) === undefined) return undefined;
  return {
    rule: `operator:${rule.id}`,
    reference,
    object,
    path: ["spec"],
    required,
    confidence: "medium",
    because: `${rule.name}, which is in no chart, ${doing}`,
  };
}

function warningFor(rule: OperatorRule, object: RenderedObject, others: number): FindingWarning {
  const more = others === 0 ? "" : ` and for ${others} more custom resources`;
  return {
    code: "operator-absent",
    message:
      `${rule.name} starts images for ${object.kind} ${object.name}${more}, and their versions are unknown, ` +
      "because the operator is in no chart",
    hint: SETTLE_ABSENT,
    chart: object.chart,
    template: object.template,
    object: `${object.kind} ${object.name}`,
    incomplete: true,
  };
}

/** Returns the kinds for which the operator starts images, as `GROUP/KIND`. */
function kindsOf({ images, unknown }: OperatorRule): ReadonlySet<string> {
  const conditions = [...images, ...unknown].flatMap(({ when = [] }) => when);
  return new Set(conditions.map(({ group, kind }) => `${group}/${kind}`));
}

function kindOf({ apiVersion, kind }: RenderedObject): string {
  return `${groupOf(apiVersion)}/${kind}`;
}

function isShared(kind: string): boolean {
  return /(?:^|\.)k8s\.io\//.test(kind);
}
