// Finds the containers of Pod specs at any depth.
import { type Json, type Path, isRecord, maps } from "../json.js";

const CONTAINER_LISTS = ["initContainers", "containers", "ephemeralContainers"];

/** A container of a Pod spec, and its path in the value. */
export interface ContainerAt {
  readonly path: Path;
  readonly container: Json;
}

/**
 * Yields the containers of every Pod spec in the value, at any depth. A list counts as a list of
 * containers when it has one of the field names of a PodSpec
 * (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/).
 */
export function* containers(value: unknown): Iterable<ContainerAt> {
  for (const { path, map } of maps(value)) {
    for (const list of CONTAINER_LISTS) {
      const items = map[list];
      if (!Array.isArray(items)) continue;
      for (const [index, container] of items.entries()) {
        if (isRecord(container)) yield { path: [...path, list, index], container };
      }
    }
  }
}
