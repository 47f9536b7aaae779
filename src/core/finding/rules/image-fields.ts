// Finds image fields by their names: whole references, and references split over several fields.
// Used for custom resources and for configuration that is YAML or JSON.
import type { Confidence } from "../../images/image-use.js";
import {
  findFullImage,
  findHostedImage,
  findImage,
  findNamedImage,
  hasTagOrDigest,
  IMAGE_KEY,
  IMAGES_KEY,
  joinReference,
} from "./candidate.js";
import type { Found } from "./found.js";
import { isRecord, maps, textOf, type Json, type Path } from "../../json.js";

/** Lists that show, next to an image, that the map is a container. */
const CONTAINER_LISTS = ["command", "args", "volumeMounts"];

/** Keys of a map that describes an image: `image: { name: …, tag: … }`. */
const IMAGE_MAP_KEY = /image(?:[_-]?(?:spec|config|source|info))?$/i;

/** The path of a JSON patch (RFC 6902) that sets an image. */
const IMAGE_POINTER = /^\/.*image$/i;

/** Fields of such a map that may hold the whole reference. */
const WHOLE_FIELD = /^(?:name|newName|ref|reference|uri|url|repository|value|full)$/i;

/**
 * Yields the images in fields of the value. `confidence` applies to fields whose name indicates
 * one.
 */
export function* findImageFields(body: unknown, confidence: Confidence): Iterable<Found> {
  for (const { path, map } of maps(body)) {
    const isImage = isImageMap(path);
    const split = findSplitImage({ map, isImage });
    if (split !== undefined) {
      const place = split.reference.includes("/") ? undefined : placeAbove(body, path);
      const reference = place === undefined ? split.reference : `${place}/${split.reference}`;
      yield { reference, value: reference, path: [...path, ...split.path], confidence };
    }
    yield* findHubImages(map, path, confidence);
    for (const key of Object.keys(map)) {
      if (split?.path.includes(key)) continue;
      yield* findInField({ map, path, isImage }, key, confidence);
    }
  }
}

/**
 * True if the key of a map shows that it describes an image: `image`, `sidecarImage`, `images[0]`.
 */
function isImageMap(path: Path): boolean {
  const [above, last] = [path.at(-2), path.at(-1)];
  if (typeof last === "string" && (IMAGE_KEY.test(last) || IMAGE_MAP_KEY.test(last))) return true;
  return typeof above === "string" && IMAGES_KEY.test(above);
}

/** A map of the value, and whether it describes an image. */
interface ImageMap {
  readonly map: Json;
  readonly path: Path;
  readonly isImage: boolean;
}

function* findInField(
  { map, path, isImage: isOfImage }: ImageMap,
  key: string,
  confidence: Confidence,
): Iterable<Found> {
  const value = map[key];
  if (typeof value === "string") {
    const text = value.trim();
    const parent = path.findLast((part) => typeof part === "string");
    const isImage = IMAGE_KEY.test(key)
      ? (findFullImage(text) ?? (hasTagOrDigest(text) || isContainer(map) ? findImage(text) : undefined))
      : isOfImage && WHOLE_FIELD.test(key)
        ? findNamedImage(text, "image")
        : parent !== undefined && IMAGES_KEY.test(parent)
          ? findNamedImage(text, parent)
          : /image/i.test(key) || (key === "value" && IMAGE_POINTER.test(textOf(map["path"]) ?? ""))
            ? findHostedImage(text)
            : undefined;
    if (isImage !== undefined) yield { reference: text, path: [...path, key], value, confidence };
  } else if (Array.isArray(value) && IMAGES_KEY.test(key)) {
    for (const [index, item] of value.entries()) {
      const text = textOf(item)?.trim();
      if (text !== undefined && findNamedImage(text, key) !== undefined) {
        yield { reference: text, path: [...path, key, index], value: text, confidence };
      }
    }
  }
}

function isContainer(map: Json): boolean {
  return CONTAINER_LISTS.some((name) => Array.isArray(map[name]) && map[name].length > 0);
}

/**
 * Fields for the name of an image, in order. The last ones apply only in maps that describe an
 * image.
 */
const NAME_FIELDS = ["repository", "imageRepository", "image", "baseImage", "imageName"];
const NAME_FIELDS_OF_IMAGE = [...NAME_FIELDS, "newName", "name"];

/**
 * Joins a reference from the fields of one map: a name in `repository`, `image`, `baseImage` or, if
 * the map describes an image, `name`; `registry` before it; and `tag`, `version` or `digest` after
 * it. The path is that of the name field.
 */
function findSplitImage({
  map,
  isImage: isOfImage,
}: Omit<ImageMap, "path">): Omit<Found, "confidence"> | undefined {
  const tag =
    textOf(map["tag"]) ?? textOf(map["imageTag"]) ?? (isOfImage ? textOf(map["newTag"]) : undefined);
  const digest = textOf(map["digest"]) ?? textOf(map["sha"]) ?? textOf(map["sha256"]);
  const version = textOf(map["version"]) ?? textOf(map["imageVersion"]);
  if (tag === undefined && digest === undefined && version === undefined) return undefined;

  const registry = textOf(map["registry"]) ?? textOf(map["imageRegistry"]);
  const repository = textOf(map["repository"]) ?? textOf(map["imageRepository"]);
  const image = textOf(map["image"]) ?? textOf(map["baseImage"]) ?? textOf(map["imageName"]);
  const nameKey = (isOfImage ? NAME_FIELDS_OF_IMAGE : NAME_FIELDS).find(
    (key) => textOf(map[key]) !== undefined,
  );
  if (nameKey === undefined) return undefined;
  // A name with a tag does not need the other fields. A version next to a repository is often that
  // of a chart.
  if (image !== undefined && (hasTagOrDigest(image) || isRecord(map["image"]))) return undefined;
  const versioned = tag ?? (digest === undefined ? version : undefined);
  const given = [repository, image].filter((part) => part !== undefined);
  const parts = given.length > 0 ? given : [textOf(map[nameKey]) ?? ""];
  const name = [registry, ...parts].filter((part) => part !== undefined).join("/");
  if (hasTagOrDigest(name)) return undefined;
  const isHosted = /^(?=[^/]*\/.)[^/]*[.:]/.test(name);
  const isNamed = image !== undefined || isOfImage;
  if (tag === undefined && digest === undefined && !isHosted && !isNamed) return undefined;
  // A single component may be the end of a name whose beginning is in another field. It is accepted
  // only with an image key and a tag.
  const isSpokenFor = tag !== undefined && map["hub"] === undefined && (isOfImage || nameKey === "image");
  if (!name.includes("/") && !isSpokenFor) return undefined;

  const reference = joinReference(name, versioned, digest);
  const found = name.includes("/") ? findFullImage(reference) : findImage(reference);
  return found === undefined ? undefined : { reference, path: [nameKey], value: reference };
}

/** Fields that hold the beginning of the names of all images below them. */
const PLACE_FIELDS = [
  "base",
  "registry",
  "imageRegistry",
  "repository",
  "imageRepository",
  "prefix",
  "imagePrefix",
];

/**
 * Returns the beginning of an image's name that is set in a map above it, the nearest one:
 * `base: quay.io/org` above `components: { agent: { image: agent, tag: v1 } }`.
 */
function placeAbove(body: unknown, path: Path): string | undefined {
  let place: string | undefined;
  let value = body;
  for (const key of path) {
    if (isRecord(value)) place = placeOf(value) ?? place;
    value = isRecord(value) ? value[String(key)] : Array.isArray(value) ? value[Number(key)] : undefined;
  }
  return place;
}

/** A map with a tag of its own names an image, and not the beginning of others. */
function placeOf(map: Json): string | undefined {
  if (["tag", "imageTag", "digest"].some((field) => textOf(map[field]) !== undefined)) return undefined;
  const place = PLACE_FIELDS.map((field) => textOf(map[field])?.trim()).find(
    (text) => text !== undefined && isPlace(text),
  );
  return place?.replace(/\/$/, "");
}

/** True for a registry, or for a path of names: `quay.io`, `quay.io/org`, `org/`. */
function isPlace(text: string): boolean {
  if (!/^[^/]*[.:]|\//.test(text) || hasTagOrDigest(text)) return false;
  return findFullImage(`${text.replace(/\/$/, "")}/a:1`) !== undefined;
}

/**
 * The convention of Istio: `hub` and `tag` are set above maps whose `image` is the end of the name
 * (ProxyImage and imageURL in
 * https://github.com/istio/istio/blob/1.30.3/pkg/kube/inject/inject.go).
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
