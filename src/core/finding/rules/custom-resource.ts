// Image fields of custom resources.
import type { Rule } from "./found.js";
import { isRecord, strings } from "../../json.js";
import { findImageFields } from "./image-fields.js";
import { findInStructure, mayBeStructure } from "./inner-structure.js";
import { isCustom } from "../../kubernetes/api-group.js";

/** Kinds full of text that only looks like references. */
const TEXT_KINDS = new Set(["PrometheusRule", "GrafanaDashboard"]);

/** Fields of any custom resource whose names say that they hold an image. */
export const CUSTOM_RESOURCE: Rule = {
  id: "custom-resource",
  *find({ apiVersion, kind, body }) {
    if (!isCustom(apiVersion) || TEXT_KINDS.has(kind)) return;
    for (const [key, value] of Object.entries(body)) {
      if (key === "metadata" || key === "status") continue;
      for (const [text, path] of strings(value, [key])) {
        if (mayBeStructure(text)) yield* findInStructure(text, path);
      }
      for (const found of findImageFields(isRecord(value) ? value : { [key]: value }, "high")) {
        const isDeclared = kind === "ClusterServiceVersion" && found.path[0] === "relatedImages";
        yield {
          ...found,
          path: isRecord(value) ? [key, ...found.path] : found.path,
          ...(isDeclared && { isDeclared }),
        };
      }
    }
  },
};
