// Images in ConfigMaps and Secrets: values that are references, YAML, JSON, or other text.
import { findHostedImage, findNamedImages, IMAGE_KEY, IMAGES_KEY } from "./candidate.js";
import { namedTextAt, withCircumstances } from "./circumstances.js";
import { findFlagsInText, findInScript } from "./flag.js";
import type { Found, Rule } from "./found.js";
import { readStructure } from "../../embedded-yaml.js";
import { isRecord, strings, textOf, type Json, type Path } from "../../json.js";
import { findInParsed } from "./inner-structure.js";
import { findSplitValues } from "./split-values.js";

/** Values of ConfigMaps and Secrets. */
export const CONFIG_TEXT: Rule = {
  id: "config-text",
  *find({ kind, apiVersion, body }) {
    if (apiVersion !== "v1" || (kind !== "ConfigMap" && kind !== "Secret")) return;
    if (isDashboard(body)) return;
    for (const field of ["data", "stringData"]) {
      const values = body[field];
      if (!isRecord(values)) continue;
      const isEncoded = kind === "Secret" && field === "data";
      const texts = Object.entries(values).flatMap(([key, value]) => {
        const text = typeof value === "string" ? (isEncoded ? decode(value) : value) : undefined;
        return text === undefined ? [] : [[key, text] as const];
      });
      const byKey = Object.fromEntries(texts);
      const areImages = IMAGES_NAME.test(nameOf(body)) || isMapOfImages(texts);
      for (const found of findSplitKeys(byKey, [field])) yield withCircumstances(found, { [field]: byKey });
      for (const [key, text] of texts) {
        const whole = areImages ? findWhole(text, [field, key]) : undefined;
        for (const found of whole === undefined ? findInText(key, text, [field, key]) : [whole]) {
          yield withCircumstances(found, { [field]: byKey }, [field, key]);
        }
      }
    }
  },
};

/** Names of objects that hold images: `csi-image-set`, `app-images`. */
const IMAGES_NAME = /(?:^|[-.])images?(?=$|[-.])/;

/** True for a map of several values, each of which is an image, such as `plugin: quay.io/org/plugin:v1`. */
function isMapOfImages(texts: readonly (readonly [string, string])[]): boolean {
  return texts.length > 1 && texts.every(([, text]) => findHostedImage(text.trim()) !== undefined);
}

/** Returns the image if the whole value is one. */
function findWhole(text: string, path: Path): Found | undefined {
  const reference = text.trim();
  return findHostedImage(reference) && { reference, path, value: reference, confidence: "high" };
}

/** Yields the images in one value of a ConfigMap or in a similar text. */
export function* findInText(key: string, text: string, path: Path): Iterable<Found> {
  const whole = text.trim();
  const named = IMAGE_KEY.test(key) || IMAGES_KEY.test(key) ? findNamedImages(whole, key) : [];
  if (named.length > 0) {
    for (const reference of named) yield { reference, path, value: whole, confidence: "high" };
    return;
  }
  if (!/image|\bhub\b/i.test(text)) {
    yield* findHosted(text, path);
    return;
  }
  const parsed = readStructure(text);
  if (parsed === undefined) {
    for (const reference of findFlagsInText(text)) {
      yield { reference, path, value: reference, confidence: "medium" };
    }
    for (const found of findInScript(text, path)) yield { ...found, confidence: "medium" };
    yield* findSplitLines(text, path);
    yield* findHosted(text, path);
    return;
  }
  yield* findInParsed(parsed, path);
  // A nested value may itself be a document or a template.
  for (const [inner, innerPath] of strings(parsed, path)) {
    if (!inner.includes("\n")) continue;
    const named = namedTextAt(parsed, innerPath.slice(path.length));
    for (const found of findInText(String(innerPath.at(-1) ?? ""), inner, innerPath)) {
      yield named === undefined || found.alternative !== undefined
        ? found
        : { ...found, alternative: { ...named, list: [...path, ...named.list] } };
    }
  }
}

/** Yields references with a registry host name anywhere in the text, except in comments. */
function* findHosted(text: string, path: Path): Iterable<Found> {
  if (!/\.[a-z]+(?::\d+)?\//.test(text) || !/[:@]/.test(text)) return;
  for (const line of text.split("\n")) {
    if (/^\s*(?:#|\/\/)/.test(line)) continue;
    // What a word must contain is tested afterwards, so that a long line is searched in linear time.
    for (const [, value = ""] of line.matchAll(/(?:^|[\s"'=,[(])([a-z0-9][\w.:@/-]*)(?=$|[\s"',\])])/g)) {
      if (value.includes("/") && /\w$/.test(value.slice(-1)) && findHostedImage(value) !== undefined)
        yield { reference: value, path, value, confidence: "low" };
    }
  }
}

/** Yields images of split keys such as `trivy.repository` and `trivy.tag`. */
function* findSplitKeys(values: Readonly<Record<string, string>>, path: Path): Iterable<Found> {
  for (const { name, reference, isNamedImage } of findSplitValues(values)) {
    if (!isNamedImage && findHostedImage(reference) === undefined) continue;
    yield { reference, path: [...path, name], value: values[name] ?? reference, confidence: "medium" };
  }
}

/** Yields images of split lines such as `pod_image_repository = …` and `pod_image_tag = …`. */
function* findSplitLines(text: string, path: Path): Iterable<Found> {
  if (!/repo/i.test(text)) return;
  const lines = text.matchAll(/^[^\S\n]*([\w.-]+)[^\S\n]*[:=][^\S\n]*["']?([^\s"']+)["']?[^\S\n]*$/gm);
  const values = Object.fromEntries(Array.from(lines, ([, name = "", value = ""]) => [name, value]));
  for (const { reference, isNamedImage } of findSplitValues(values)) {
    if (!isNamedImage && findHostedImage(reference) === undefined) continue;
    yield { reference, path, value: reference, confidence: "medium" };
  }
}

/** Decodes base64 text. Returns undefined for binary content. */
export function decode(value: string): string | undefined {
  const text = Buffer.from(value, "base64").toString("utf8");
  return text.includes("\uFFFD") || text.includes("\0") ? undefined : text;
}

function nameOf(body: Json): string {
  const metadata = body["metadata"];
  return isRecord(metadata) ? (textOf(metadata["name"]) ?? "") : "";
}

/** Label of Grafana dashboards. These are long and contain metrics, but no images. */
function isDashboard(body: Json): boolean {
  const metadata = body["metadata"];
  const labels = isRecord(metadata) && isRecord(metadata["labels"]) ? metadata["labels"] : {};
  return "grafana_dashboard" in labels;
}
