// Images of Pod specs, found by shape: in any kind, at any depth, in custom resources and in lists of templates.
import { findImage } from "./candidate.js";
import { isCustom } from "../../kubernetes/api-group.js";
import { withSwitches } from "./circumstances.js";
import type { Found, Rule } from "./found.js";
import { isRecord, maps, textOf } from "../../json.js";
import { containers } from "../../kubernetes/containers.js";

/** Containers of all three lists, and volumes whose source is an image. */
export const POD_SPEC: Rule = {
  id: "pod-spec",
  *find({ apiVersion, body }) {
    for (const found of findPodImages(body)) {
      // Kubernetes' own kinds have no switches.
      yield isCustom(apiVersion) ? withSwitches(found, body) : found;
    }
  },
};

/** Yields what the Pod specs in a value start or mount. */
export function* findPodImages(body: unknown): Iterable<Found> {
  for (const { path, container } of containers(body)) {
    const value = textOf(container["image"])?.trim();
    if (value !== undefined && findImage(value) !== undefined) {
      yield { reference: value, path: [...path, "image"], value, confidence: "certain" };
    }
  }
  // https://kubernetes.io/docs/tasks/configure-pod-container/image-volumes/
  for (const { path, map } of maps(body)) {
    const volumes = map["volumes"];
    if (!Array.isArray(volumes)) continue;
    for (const [index, volume] of volumes.entries()) {
      const image: unknown = isRecord(volume) ? volume["image"] : undefined;
      const value = isRecord(image) ? textOf(image["reference"]) : undefined;
      if (value !== undefined && findImage(value) !== undefined) {
        yield {
          reference: value,
          path: [...path, "volumes", index, "image", "reference"],
          value,
          confidence: "certain",
        };
      }
    }
  }
}
