// Images of Pod specs in any kind of object and at any depth, including custom resources.
import { findImage } from "./candidate.js";
import { isCustom } from "../../kubernetes/api-group.js";
import { withSwitches } from "./circumstances.js";
import type { Found, Rule } from "./found.js";
import { isRecord, maps, textOf } from "../../json.js";
import { containers } from "../../kubernetes/containers.js";

/** Searches the three lists of containers, and volumes with an image as source. */
export const POD_SPEC: Rule = {
  id: "pod-spec",
  *find({ apiVersion, body }) {
    for (const found of findPodImages(body)) {
      // Built-in kinds have no switches.
      yield isCustom(apiVersion) ? withSwitches(found, body) : found;
    }
  },
};

/** Yields the images that Pod specs in a value start or mount. */
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
