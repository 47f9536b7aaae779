// Images that a chart's publisher lists beside it: annotations of Chart.yaml, and image locks.
import { parseDocument } from "yaml";
import { findImage, hasTagOrDigest } from "./rules/candidate.js";
import { formatPath, isRecord, maps, textOf, type Path } from "../json.js";
import type { ChartText } from "../charts/chart.js";

/** One image of such a list. */
export interface DeclaredImage {
  /** The packaged chart, as `NAME-VERSION`. */
  readonly chart: string;
  /** The file in it. */
  readonly file: string;
  readonly reference: string;
  /** Path of the field in the file. */
  readonly path: string;
}

/**
 * `helm.sh/images` (https://github.com/helm/community/pull/215), `images` (Bitnami; vmware-labs/distribution-tooling-for-helm) and
 * `artifacthub.io/images` (https://artifacthub.io/docs/topics/annotations/helm/): YAML lists as text.
 */
const ANNOTATIONS = ["helm.sh/images", "images", "artifacthub.io/images"];

/** Names that dt and Hauler give image locks. */
const LOCK = /(?:^|\/)\.?images(?:\.lock|-lock\.yaml|\.lock\.yaml)$/i;

/** True for the path of a file in a chart that may declare images. */
export function isDeclaration(path: string): boolean {
  return /(?:^|\/)Chart\.yaml$/.test(path) || LOCK.test(path);
}

/** Returns the images that the files of a chart declare. What cannot be read declares nothing: it decides nothing either. */
export function declaredImages(chart: string, declarations: readonly ChartText[]): readonly DeclaredImage[] {
  return declarations.flatMap(({ path: file, text }) =>
    entriesOf(file, text).map(([reference, path]) => ({ chart, file, reference, path: formatPath(path) })),
  );
}

function entriesOf(file: string, text: string): readonly (readonly [string, Path])[] {
  const content = readYaml(text);
  if (LOCK.test(file)) return imagesIn(isRecord(content) ? content["images"] : content, ["images"]);
  const annotations = isRecord(content) ? content["annotations"] : undefined;
  if (!isRecord(annotations)) return [];
  return ANNOTATIONS.flatMap((name) => {
    const list = textOf(annotations[name]);
    return list === undefined ? [] : imagesIn(readYaml(list), ["annotations", name]);
  });
}

/** The `image` of every entry, or the entry itself where it is text. */
function imagesIn(list: unknown, at: Path): readonly (readonly [string, Path])[] {
  const found: [string, Path][] = [];
  const take = (value: unknown, path: Path): void => {
    const text = textOf(value)?.trim();
    if (text !== undefined && hasTagOrDigest(text) && findImage(text) !== undefined) found.push([text, path]);
  };
  if (Array.isArray(list)) for (const [index, entry] of list.entries()) take(entry, [...at, index]);
  for (const { path, map } of maps(list)) take(map["image"], [...at, ...path, "image"]);
  return found;
}

function readYaml(text: string): unknown {
  const document = parseDocument(text, {
    schema: "core",
    uniqueKeys: false,
    strict: false,
    logLevel: "silent",
  });
  return document.errors.length > 0 ? undefined : document.toJS();
}
