// Containers of Pod specs, wherever they are nested.
import { type Json, type Path, isRecord, maps } from "../json.js";

const CONTAINER_LISTS = ["initContainers", "containers", "ephemeralContainers"];

/** A container of a Pod spec, at `path`. */
export interface ContainerAt {
  readonly path: Path;
  readonly container: Json;
}

/**
 * Yields the containers of every Pod spec in the value, wherever it is nested: the entries of lists that are named as a Pod spec
 * names them (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/).
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
