// Writes the text of a first bundle spec; decisions for the user are listed as comments.
import { stringify } from "yaml";
import type { FindingWarning, ImageUse } from "../images/image-use.js";
import { isTestHook } from "../charts/hooks.js";
import { countOf } from "../count-of.js";
import type { Suspect } from "../finding/program/suspect.js";

/** The content of a first spec. Paths are relative to the folder of the spec. */
export interface Draft {
  /** Location of the schema for editors: a file URL, or a path relative to the spec. */
  readonly schema: string;
  /** Name of the bundle and of the chart. */
  readonly name: string;
  readonly chartVersion: string;
  /** The fields `chart`, `repository` and `version` of the entry in `charts`. */
  readonly chart: { readonly chart: string; readonly repository?: string; readonly version?: string };
  readonly release: string;
  readonly namespace: string;
  readonly valuesFiles: readonly string[];
  readonly kubeVersion?: string;
  readonly images: readonly ImageUse[];
  readonly suspects: readonly Suspect[];
  readonly warnings: readonly FindingWarning[];
}

/**
 * Returns YAML that `parseBundleSpec` accepts. An optional image is included by uncommenting its
 * line.
 */
export function formatDraftSpec(draft: Draft): string {
  const { schema, name, chartVersion, kubeVersion, images, suspects, warnings } = draft;
  const required = images.filter((image) => image.required).length;
  const optional = images.filter((image) => !image.required);
  const lines = [
    comment(`yaml-language-server: $schema=${schema}`),
    comment(
      `${name} ${chartVersion}: ${countOf(required, "image is", "images are")} required and included; \`viola-airgap images\` lists all images.`,
    ),
    stringify({ name, version: "1.0.0" }).trimEnd(),
    "# platforms: [linux/amd64]   # of the nodes; default: the platform of the machine that builds",
    kubeVersion === undefined
      ? "# kubernetes: { version: v1.30.2 }   # of the cluster; the images of a chart may depend on it"
      : stringify({ kubernetes: { version: kubeVersion } }).trimEnd(),
    stringify({ charts: [chartOf(draft)] }).trimEnd(),
  ];
  if (optional.length > 0 || suspects.length > 0) {
    lines.push("images:", "  include:", "    # Optional images: uncomment those to include.");
    for (const use of optional)
      lines.push(comment(whyOptional(use), 4), `    # - ${stringify(use.normalized).trimEnd()}`);
    for (const suspect of suspects) {
      lines.push(comment(whySuspect(suspect), 4), `    # - ${stringify(suspect.reference).trimEnd()}`);
    }
  }
  if (warnings.length > 0) {
    lines.push("# Warnings:");
    lines.push(...warnings.map(({ code, message }) => comment(`- ${code}: ${message}`)));
  }
  return `${lines.join("\n")}\n`;
}

function chartOf({ chart, release, namespace, valuesFiles }: Draft): object {
  return { ...chart, release, namespace, ...(valuesFiles.length > 0 && { valuesFiles }) };
}

function whyOptional({ evidence, confidence }: ImageUse): string {
  const [first] = evidence;
  if (first === undefined) return "optional";
  const where = first.object === "" ? "" : ` (${first.object})`;
  if (evidence.every(isTestHook))
    return `Only \`helm test\` starts it${where}. \`tests: true\` includes all such images.`;
  const because = evidence.find((piece) => piece.because !== undefined)?.because;
  return `${because ?? `Found by ${first.rule} with ${confidence} confidence at ${first.path}`}${where}.`;
}

function whySuspect({ operator, certainty, because, exists }: Suspect): string {
  const registry =
    exists === undefined
      ? ""
      : exists
        ? "; it exists in its registry"
        : "; it does not exist in its registry";
  return `The program of ${operator} names it: ${because} (tag ${certainty}${registry}).`;
}

/** Returns the text as one comment line, without line breaks. */
function comment(text: string, indent = 0): string {
  return `${" ".repeat(indent)}# ${text.replaceAll(/\s+/g, " ").trim()}`;
}
