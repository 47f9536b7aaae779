// The tripwire: a program whose service account may create Pods, and of which the knowledge base says nothing.
import type { RenderedObject } from "../charts/rendered-object.js";
import { findReference } from "../images/reference.js";
import type { FindingWarning } from "../images/image-use.js";
import { isRepository, type OperatorUse } from "./operators.js";
import type { PodRights } from "./pod-rights.js";
import { textOf } from "../json.js";
import { containers } from "../kubernetes/containers.js";

/** Returns a warning for each workload with a container that could start images by itself and is not in the knowledge base. */
export function findUnknownOperators(
  objects: readonly RenderedObject[],
  known: ReadonlyMap<RenderedObject, readonly OperatorUse[]>,
  rights: PodRights,
): readonly FindingWarning[] {
  const warnings: FindingWarning[] = [];
  for (const object of objects) {
    const right = object.hooks.length > 0 ? undefined : rights(object);
    if (right === undefined) continue;
    const uses = known.get(object) ?? [];
    const strangers = [...containers(object.body)]
      .map(({ container }) => container)
      .filter((container) =>
        uses.every((use) => use.container !== container && !isCompanion(container, use)),
      );
    if (strangers.length === 0) continue;
    const images = strangers.flatMap((container) => textOf(container["image"]) ?? []);
    const image = images[0] === undefined ? "" : ` (${images[0]})`;
    warnings.push({
      code: "unknown-operator",
      message:
        `${object.kind} ${object.name}${image} may create Pods by itself, and nothing is known about the images that it starts: ` +
        `${right.because} for its service account ${right.account}`,
      chart: object.chart,
      template: object.template,
      object: `${object.kind} ${object.name}`,
      images: [...new Set(images)],
      incomplete: true,
    });
  }
  return warnings;
}

/** True for a container that the operator's project puts beside it and that starts nothing. */
function isCompanion(container: OperatorUse["container"], { rule }: OperatorUse): boolean {
  const image = findReference(textOf(container["image"]) ?? "");
  return image !== undefined && rule.companions.some((known) => isRepository(image.repository, known));
}
