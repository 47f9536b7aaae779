// Images for several versions, from which a custom resource selects one.
import type { RenderedObject } from "../charts/rendered-object.js";
import { groupBy } from "../group-by.js";
import type { FindingWarning } from "../images/image-use.js";
import { formatPath, maps, textOf } from "../json.js";
import { isCustom } from "../kubernetes/api-group.js";
import { SETTLE_CHOICE } from "../images/warning-advice.js";
import { stemOf } from "./rules/circumstances.js";
import type { Alternative } from "./rules/found.js";

/** One of several alternative images, found in `object`. */
export interface AlternativeImage {
  readonly alternative: Alternative;
  readonly object: RenderedObject;
  readonly reference: string;
}

/**
 * Returns whether a custom resource selects this image by its version, or an annotation or label of
 * a rendered object by its name.
 */
export type IsChosen = (image: AlternativeImage) => boolean;

/** Collects the versions in custom resources, and the names in annotations and labels. */
export function readChoices(objects: readonly RenderedObject[]): IsChosen {
  const byVersion = new Map<string, RenderedObject[]>();
  for (const object of objects) {
    if (!isCustom(object.apiVersion)) continue;
    for (const { map } of maps(object.body["spec"])) {
      for (const [key, value] of Object.entries(map)) {
        const version = /version$/i.test(key) ? textOf(value) : undefined;
        if (version === undefined) continue;
        byVersion.set(plain(version), [...(byVersion.get(plain(version)) ?? []), object]);
      }
    }
  }
  return ({ alternative, object }) =>
    alternative.selector !== undefined
      ? isNamed(alternative, objects)
      : (byVersion.get(plain(alternative.version)) ?? []).some((other) => other !== object);
}

/** Fields of metadata, at any depth, such as those of a Pod template. */
const METADATA = /^(?:annotations|labels)$/;

/** True if an annotation or label such as `templates: sidecar,other` contains the name. */
function isNamed({ version, list }: Alternative, objects: readonly RenderedObject[]): boolean {
  const word = stemOf(String(list.at(-1)));
  return objects.some(({ body }) => {
    for (const { path, map } of maps(body)) {
      if (!METADATA.test(String(path.at(-1)))) continue;
      for (const [key, value] of Object.entries(map)) {
        const isSelector = stemOf(key.slice(key.lastIndexOf("/") + 1)).endsWith(word);
        if (
          isSelector &&
          textOf(value)
            ?.split(/[\s,]+/)
            .includes(version) === true
        )
          return true;
      }
    }
    return false;
  });
}

/** Returns a warning for each list from which no custom resource or default selects an image. */
export function* findOpenChoices(
  images: readonly AlternativeImage[],
  isChosen: IsChosen,
): Iterable<FindingWarning> {
  const lists = groupBy(images, ({ alternative, object }) =>
    [object.release, object.kind, object.namespace ?? "", object.name, formatPath(alternative.list)].join(
      " ",
    ),
  );
  for (const list of lists.values()) {
    const [first] = list;
    // Texts with names have a default, which need not contain an image.
    if (first?.alternative.selector !== undefined) continue;
    if (first === undefined || list.some((image) => image.alternative.isDefault || isChosen(image))) continue;
    const { object, alternative } = first;
    const names = [...new Set(list.map(({ reference }) => reference))].join(", ");
    yield {
      code: "image-alternatives",
      message:
        `${object.kind} ${object.name} lists images for several versions at ${formatPath(alternative.list)}, ` +
        `and no rendered object selects one: ${names}`,
      hint: SETTLE_CHOICE,
      chart: object.chart,
      template: object.template,
      object: `${object.kind} ${object.name}`,
      incomplete: true,
    };
  }
}

function plain(version: string): string {
  return version.replace(/^v(?=\d)/, "");
}
