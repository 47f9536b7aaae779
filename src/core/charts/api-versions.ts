// The API versions that CustomResourceDefinitions add to `.Capabilities.APIVersions` once they are
// installed.
import { isRecord, textOf, valueAt } from "../json.js";
import { parseDocuments } from "./parse-rendered.js";
import type { RenderedObject } from "./rendered-object.js";

/**
 * Returns `GROUP/VERSION` and `GROUP/VERSION/KIND` for every version of every definition among the
 * objects, each once. Helm's `--api-versions` and templates use these two forms
 * (https://helm.sh/docs/chart_template_guide/builtin_objects/).
 */
export function apiVersionsOf(objects: readonly RenderedObject[]): readonly string[] {
  const found = new Set<string>();
  for (const { kind, body } of objects) {
    if (kind !== "CustomResourceDefinition") continue;
    const group = textOf(valueAt(body, "spec.group"));
    const resource = textOf(valueAt(body, "spec.names.kind"));
    for (const version of versionsOf(body)) {
      if (group === undefined) continue;
      found.add(`${group}/${version}`);
      if (resource !== undefined) found.add(`${group}/${version}/${resource}`);
    }
  }
  return [...found];
}

/** Like `apiVersionsOf`, for the text of files in a `crds` folder. */
export function apiVersionsIn(texts: readonly string[]): readonly string[] {
  const from = { chart: "", release: "" };
  const objects = texts.flatMap((text) =>
    Array.from(parseDocuments(text, from)).flatMap((part) => part.objects),
  );
  return apiVersionsOf(objects);
}

/** `spec.version` is the field of apiextensions.k8s.io/v1beta1. */
function versionsOf(body: RenderedObject["body"]): readonly string[] {
  const list = valueAt(body, "spec.versions");
  const names = (Array.isArray(list) ? list : []).map((entry: unknown) =>
    isRecord(entry) ? textOf(entry["name"]) : undefined,
  );
  return [textOf(valueAt(body, "spec.version")), ...names].filter((name) => name !== undefined);
}
