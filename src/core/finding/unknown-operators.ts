// Finds programs that are not in the knowledge base and whose service account may create Pods.
import type { RenderedObject } from "../charts/rendered-object.js";
import { groupBy } from "../group-by.js";
import { findReference } from "../images/reference.js";
import type { FindingWarning } from "../images/image-use.js";
import { containers, type ContainerAt } from "../kubernetes/containers.js";
import { textOf } from "../json.js";
import { isRepository } from "../images/repository-copies.js";
import { programWarning, type OperatorUse } from "./operators.js";
import type { PodRight, PodRights } from "./pod-rights.js";

/** A workload with unknown containers, and the right of its Pods. */
interface UnknownWorkload {
  readonly object: RenderedObject;
  readonly images: readonly string[];
  readonly right: PodRight;
}

/**
 * Returns a warning for each program that may start images and is not in the knowledge base.
 * Workloads with the same images and the same right share one warning.
 */
export function findUnknownOperators(
  objects: readonly RenderedObject[],
  known: ReadonlyMap<RenderedObject, readonly OperatorUse[]>,
  rights: PodRights,
): readonly FindingWarning[] {
  const workloads = objects.flatMap((object): UnknownWorkload[] => {
    const right = object.hooks.length > 0 ? undefined : rights(object);
    if (right === undefined) return [];
    const unknown = unknownContainers(object, known.get(object) ?? []);
    if (unknown.length === 0) return [];
    const images = unknown.flatMap(({ container }) => textOf(container["image"]) ?? []);
    return [{ object, images: [...new Set(images)], right }];
  });
  const groups = groupBy(workloads, ({ images, right }) => JSON.stringify([images, right.because]));
  return [...groups.values()].map(warningFor);
}

/**
 * Returns the containers that may be operators. Init containers end before the Pod runs, so they
 * are included only if no other container of the Pod may be an operator.
 */
export function unknownContainers(
  object: RenderedObject,
  uses: readonly OperatorUse[],
): readonly ContainerAt[] {
  const unknown = [...containers(object.body)].filter(({ container }) =>
    uses.every((use) => use.container !== container && !isCompanion(container, use)),
  );
  const main = unknown.filter(({ path }) => path.at(-2) === "containers");
  return main.length > 0 ? main : unknown;
}

function warningFor(group: readonly UnknownWorkload[]): FindingWarning {
  const [first] = group;
  if (first === undefined) throw new TypeError("a group without workloads");
  const { object, images, right } = first;
  const accounts = [...new Set(group.map((workload) => workload.right.account))];
  const image = images.length === 0 ? "" : ` (${listOf(images)})`;
  const others = group.slice(1).map((workload) => `${workload.object.kind} ${workload.object.name}`);
  const all = others.length === 0 ? "" : `; the same applies to ${listOf(others)} with the same image`;
  const message =
    `${object.kind} ${object.name}${image} may create Pods, and the images that it starts are unknown: ` +
    `${right.because} for its service account ${accounts.join(", ")}${all}`;
  return programWarning(object, images, { code: "unknown-operator", message });
}

/** Lists at most three names. */
function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** True for a sidecar of the operator's project that starts no images. */
function isCompanion(container: OperatorUse["container"], { rule }: OperatorUse): boolean {
  const image = findReference(textOf(container["image"]) ?? "");
  return image !== undefined && rule.companions.some((known) => isRepository(image.repository, known));
}
