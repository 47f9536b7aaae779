// Images that the publisher of a chart lists: annotations in Chart.yaml, and image lock files.
import { readBlockYaml } from "../block-yaml.js";
import { parseYaml, toValue, UnusableYaml } from "../parse-yaml.js";
import { findImage, hasTagOrDigest } from "./rules/candidate.js";
import { formatPath, isRecord, maps, textOf, type Path } from "../json.js";
import type { ChartText } from "../charts/chart.js";

/** One image of such a list. */
export interface DeclaredImage {
  /** The packaged chart, as `NAME-VERSION`. */
  readonly chart: string;
  /** Path of the file in the chart. */
  readonly file: string;
  readonly reference: string;
  /** Path of the field in the file. */
  readonly path: string;
}

/**
 * Annotations whose value is the text of a YAML list:
 * - `helm.sh/images`: https://github.com/helm/community/pull/215
 * - `images`: Bitnami, https://github.com/vmware-labs/distribution-tooling-for-helm
 * - `artifacthub.io/images`: https://artifacthub.io/docs/topics/annotations/helm/
 */
const ANNOTATIONS = ["helm.sh/images", "images", "artifacthub.io/images"];

/** File names of image locks of dt and Hauler. */
const LOCK = /(?:^|\/)\.?images(?:\.lock|-lock\.yaml|\.lock\.yaml)$/i;

/**
 * True if a file at this path in a chart may declare images or dependencies. Charts of apiVersion v1
 * declare dependencies in a file of their own.
 */
export function isDeclaration(path: string): boolean {
  return /(?:^|\/)(?:Chart|requirements)\.yaml$/.test(path) || LOCK.test(path);
}

/**
 * Returns the images that the files declare. Unreadable files are ignored, as images stay optional.
 */
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

/** Returns the `image` of every entry, or the entry itself if it is a string. */
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
  const plain = readBlockYaml(text);
  if (plain !== undefined) return plain;
  try {
    const document = parseYaml(text, {
      schema: "core",
      uniqueKeys: false,
      strict: false,
      logLevel: "silent",
    });
    return document.errors.length > 0 ? undefined : toValue(document);
  } catch (cause) {
    if (!(cause instanceof UnusableYaml)) throw cause;
    return undefined;
  }
}
