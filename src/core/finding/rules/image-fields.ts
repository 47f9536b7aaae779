// Image fields by their names: whole references, and references split over several fields. Used for custom resources and for
// configuration that is YAML or JSON.
import type { Confidence } from "../../images/image-use.js";
import {
  findFullImage,
  findImage,
  hasTagOrDigest,
  IMAGE_KEY,
  IMAGES_KEY,
  joinReference,
} from "./candidate.js";
import type { Found } from "./found.js";
import { isRecord, maps, textOf, type Json, type Path } from "../../json.js";

/** Lists of which any one, beside an image, shows that the map is a container under a name of its own. */
const CONTAINER_LISTS = ["command", "args", "volumeMounts"];

/** Yields the images that fields of the value name; `confidence` is that of a field that says so by its name. */
export function* findImageFields(body: unknown, confidence: Confidence): Iterable<Found> {
  for (const { path, map } of maps(body)) {
    const split = findSplitImage(map);
    if (split !== undefined) {
      yield { ...split, path: [...path, ...split.path], confidence };
    }
    yield* findHubImages(map, path, confidence);
    for (const [key, value] of Object.entries(map)) {
      if (split?.path.includes(key)) continue;
      yield* findInField(map, key, value, path, confidence);
    }
  }
}

function* findInField(
  map: Json,
  key: string,
  value: unknown,
  path: Path,
  confidence: Confidence,
): Iterable<Found> {
  if (typeof value === "string") {
    const text = value.trim();
    const parent = path.findLast((part) => typeof part === "string");
    const isImage = IMAGE_KEY.test(key)
      ? (findFullImage(text) ?? (hasTagOrDigest(text) || isContainer(map) ? findImage(text) : undefined))
      : parent !== undefined && IMAGES_KEY.test(parent)
        ? findFullImage(text)
        : undefined;
    if (isImage !== undefined) yield { reference: text, path: [...path, key], value, confidence };
  } else if (Array.isArray(value) && IMAGES_KEY.test(key)) {
    for (const [index, item] of value.entries()) {
      const text = textOf(item)?.trim();
      if (text !== undefined && findFullImage(text) !== undefined) {
        yield { reference: text, path: [...path, key, index], value: text, confidence };
      }
    }
  }
}

function isContainer(map: Json): boolean {
  return CONTAINER_LISTS.some((name) => Array.isArray(map[name]) && map[name].length > 0);
}

/**
 * Puts a reference together from the fields of one map: a name in `repository`, `image`, `baseImage` or `name`, with `registry`
 * before it, and `tag`, `version` or `digest` after it; the path is that of the name field.
 */
function findSplitImage(map: Json): Omit<Found, "confidence"> | undefined {
  const tag = textOf(map["tag"]) ?? textOf(map["imageTag"]);
  const digest = textOf(map["digest"]) ?? textOf(map["sha"]) ?? textOf(map["sha256"]);
  const version = textOf(map["version"]) ?? textOf(map["imageVersion"]);
  if (tag === undefined && digest === undefined && version === undefined) return undefined;

  const registry = textOf(map["registry"]) ?? textOf(map["imageRegistry"]);
  const repository = textOf(map["repository"]) ?? textOf(map["imageRepository"]);
  const image = textOf(map["image"]) ?? textOf(map["baseImage"]) ?? textOf(map["imageName"]);
  const nameKey = ["repository", "imageRepository", "image", "baseImage", "imageName"].find(
    (key) => textOf(map[key]) !== undefined,
  );
  if (nameKey === undefined) return undefined;
  // A name with a tag of its own needs none of the other fields; a lone version beside a repository is a chart's as often as an image's.
  if (image !== undefined && (hasTagOrDigest(image) || isRecord(map["image"]))) return undefined;
  const versioned = tag ?? (digest === undefined ? version : undefined);
  const name = [registry, repository, image].filter((part) => part !== undefined).join("/");
  const isHosted = /^[^/]*[.:][^/]*\/./.test(name);
  if (tag === undefined && digest === undefined && !isHosted && image === undefined) return undefined;
  if (!name.includes("/")) return undefined;

  const reference = joinReference(name, versioned, digest);
  if (findFullImage(reference) === undefined) return undefined;
  return { reference, path: [nameKey], value: reference };
}

/**
 * Istio's way: `hub` and `tag` stand above maps whose `image` is the last part of the name
 * (ProxyImage and imageURL in https://github.com/istio/istio/blob/1.30.3/pkg/kube/inject/inject.go).
 */
function* findHubImages(map: Json, path: Path, confidence: Confidence): Iterable<Found> {
  const hub = textOf(map["hub"]);
  const tag = textOf(map["tag"]);
  if (hub === undefined || tag === undefined) return;
  const variant = textOf(map["variant"]);
  for (const below of maps(map)) {
    const image = textOf(below.map["image"]);
    if (image === undefined || image.includes("/") || hasTagOrDigest(image)) continue;
    const reference = `${hub}/${image}:${tag}${variant === undefined ? "" : `-${variant}`}`;
    if (findFullImage(reference) !== undefined && findImage(image) !== undefined) {
      yield { reference, path: [...path, ...below.path, "image"], value: image, confidence };
    }
  }
}
