// Images in ConfigMaps and Secrets: values that are a reference, that are YAML or JSON, or that are text with references in it.
import { findFullImage, findHostedImage, findImage, hasTagOrDigest, IMAGE_KEY } from "./candidate.js";
import type { Found, Rule } from "./found.js";
import { readStructure } from "../../embedded-yaml.js";
import { isRecord, strings, type Json, type Path } from "../../json.js";
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
      yield* findSplitKeys(Object.fromEntries(texts), [field]);
      for (const [key, text] of texts) yield* findInText(key, text, [field, key]);
    }
  },
};

/** Yields the images that one value of a ConfigMap, or another text of that kind, names. */
export function* findInText(key: string, text: string, path: Path): Iterable<Found> {
  const whole = text.trim();
  if (IMAGE_KEY.test(key) && hasTagOrDigest(whole) && findImage(whole) !== undefined) {
    yield { reference: whole, path, value: whole, confidence: "high" };
    return;
  }
  if (!/image|\bhub\b/i.test(text)) {
    yield* findHosted(text, path);
    return;
  }
  const parsed = readStructure(text);
  if (parsed === undefined) {
    yield* findImageLines(text, path);
    yield* findHosted(text, path);
    return;
  }
  yield* findInParsed(parsed, path);
  // A value inside may be a document or a template itself.
  for (const [inner, innerPath] of strings(parsed, path)) {
    if (inner.includes("\n")) yield* findInText(String(innerPath.at(-1) ?? ""), inner, innerPath);
  }
}

/** Lines `image: ref` and `"image": "ref"` in text that no parser reads, such as templates. */
function* findImageLines(text: string, path: Path): Iterable<Found> {
  const line = /^[\s-]*["']?([\w.-]*image)["']?\s*[:=]\s*["']?([^\s"',#]+)/gim;
  for (const [, , value = ""] of text.matchAll(line)) {
    if (findFullImage(value) ?? (hasTagOrDigest(value) && findImage(value))) {
      yield { reference: value, path, value, confidence: "medium" };
    }
  }
}

/** References with a registry's host name anywhere in text; comments do not count. */
function* findHosted(text: string, path: Path): Iterable<Found> {
  if (!/\.[a-z]+(?::\d+)?\/[^\s]*[:@]/.test(text)) return;
  for (const line of text.split("\n")) {
    if (/^\s*(?:#|\/\/)/.test(line)) continue;
    for (const [, value = ""] of line.matchAll(
      /(?:^|[\s"'=,[(])([a-z0-9][\w.:@/-]*\/[\w.:@/-]*[\w])(?=$|[\s"',\])])/g,
    )) {
      if (findHostedImage(value) !== undefined) yield { reference: value, path, value, confidence: "low" };
    }
  }
}

/** Keys such as `trivy.repository` and `trivy.tag`, or `BACKUP_IMAGE` and `BACKUP_TAG`. */
function* findSplitKeys(values: Readonly<Record<string, string>>, path: Path): Iterable<Found> {
  for (const { name, reference, isNamedImage } of findSplitValues(values)) {
    if (!isNamedImage && findHostedImage(reference) === undefined) continue;
    yield { reference, path: [...path, name], value: values[name] ?? reference, confidence: "medium" };
  }
}

/** Base64 of text; undefined for binary content. */
function decode(value: string): string | undefined {
  const text = Buffer.from(value, "base64").toString("utf8");
  return text.includes("\uFFFD") || text.includes("\0") ? undefined : text;
}

/** Grafana's sidecar loads dashboards from ConfigMaps with this label; they are long and name metrics, not images. */
function isDashboard(body: Json): boolean {
  const metadata = body["metadata"];
  const labels = isRecord(metadata) && isRecord(metadata["labels"]) ? metadata["labels"] : {};
  return "grafana_dashboard" in labels;
}
