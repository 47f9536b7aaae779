// Image fields of custom resources.
import { commandLinesIn, isScript } from "./command-line.js";
import { isRecord, strings } from "../../json.js";
import { withCircumstances } from "./circumstances.js";
import { findFlagsInText, findOnCommandLine } from "./flag.js";
import type { Rule } from "./found.js";
import { findImageFields } from "./image-fields.js";
import { findInStructure, mayBeStructure } from "./inner-structure.js";
import { isCustom } from "../../kubernetes/api-group.js";

/** Kinds with much text that looks like references. */
const TEXT_KINDS = new Set(["PrometheusRule", "GrafanaDashboard"]);

/** Finds fields of custom resources whose names indicate an image. */
export const CUSTOM_RESOURCE: Rule = {
  id: "custom-resource",
  *find({ apiVersion, kind, body }) {
    if (!isCustom(apiVersion) || TEXT_KINDS.has(kind)) return;
    for (const [key, value] of Object.entries(body)) {
      if (key === "metadata" || key === "status") continue;
      for (const [text, path] of strings(value, [key])) {
        if (mayBeStructure(text)) yield* findInStructure(text, path);
        if (!/image/i.test(text) || !(isScript(text) || text.startsWith("-"))) continue;
        for (const reference of findFlagsInText(text)) {
          yield { reference, path, value: reference, confidence: "high" };
        }
      }
      for (const words of commandLinesIn(value, [key])) {
        for (const found of findOnCommandLine(words)) if (found.confidence === "high") yield found;
      }
      for (const found of findImageFields(isRecord(value) ? value : { [key]: value }, "high")) {
        const path = isRecord(value) ? [key, ...found.path] : found.path;
        // OLM lists all images that may be needed, so they are required only with other evidence.
        const isDeclared = kind === "ClusterServiceVersion" && path[1] === "relatedImages";
        const { alternative, ...other } = withCircumstances({ ...found, path }, body);
        const isOfCatalog = alternative !== undefined && CATALOG.test(String(alternative.list.at(-1)));
        yield {
          ...other,
          ...(isOfCatalog ? { alternative } : alternative && { isOptional: false }),
          ...(isDeclared && { isOptional: true }),
        };
      }
    }
  },
};

/** Names of lists of alternatives. Entries of other lists with versions run side by side. */
const CATALOG = /version|catalog|image|release|available|supported|flavou?r|alternative/i;
