// The text of a first bundle spec: what is known filled in, what a person has to decide as comments.
import { stringify } from "yaml";
import type { FindingWarning, ImageUse } from "../images/image-use.js";
import { isTestHook } from "../charts/hooks.js";
import type { Suspect } from "../finding/program/suspect.js";

/** What goes into a first spec. Paths are as they are to stand in it: relative to its folder. */
export interface Draft {
  /** Where an editor finds the schema of the spec: a file URL, or a path relative to the spec. */
  readonly schema: string;
  /** Of the bundle, and of the chart. */
  readonly name: string;
  readonly chartVersion: string;
  /** The fields `chart`, `repository` and `version` of the chart's entry. */
  readonly chart: { readonly chart: string; readonly repository?: string; readonly version?: string };
  readonly release: string;
  readonly namespace: string;
  readonly valuesFiles: readonly string[];
  readonly kubeVersion?: string;
  readonly images: readonly ImageUse[];
  readonly suspects: readonly Suspect[];
  readonly warnings: readonly FindingWarning[];
}

/** Returns YAML that `parseBundleSpec` reads; taking a `# ` away before a listed image brings it along. */
export function formatDraftSpec(draft: Draft): string {
  const { schema, name, chartVersion, kubeVersion, images, suspects, warnings } = draft;
  const required = images.filter((image) => image.required).length;
  const optional = images.filter((image) => !image.required);
  const lines = [
    comment(`yaml-language-server: $schema=${schema}`),
    comment(
      `${name} ${chartVersion}: ${required} ${required === 1 ? "image is" : "images are"} found and come${required === 1 ? "s" : ""} along; \`viola-airgap images\` lists them.`,
    ),
    stringify({ name, version: "1.0.0" }).trimEnd(),
    "# platforms: [linux/amd64]   # of the nodes; without it, that of the building machine",
    kubeVersion === undefined
      ? "# kubernetes: { version: v1.30.2 }   # of the cluster: charts may render other images for another version"
      : stringify({ kubernetes: { version: kubeVersion } }).trimEnd(),
    stringify({ charts: [chartOf(draft)] }).trimEnd(),
  ];
  if (optional.length > 0 || suspects.length > 0) {
    lines.push(
      "images:",
      "  include:",
      "    # To decide on: take the # away before the images that are to come along.",
    );
    for (const use of optional)
      lines.push(comment(whyOptional(use), 4), `    # - ${stringify(use.normalized).trimEnd()}`);
    for (const suspect of suspects) {
      lines.push(comment(whySuspect(suspect), 4), `    # - ${stringify(suspect.reference).trimEnd()}`);
    }
  }
  if (warnings.length > 0) {
    lines.push("# To look at:");
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
    return `Only \`helm test\` starts it${where}. All such images: \`tests: true\`.`;
  const because = evidence.find((piece) => piece.because !== undefined)?.because;
  return `${because ?? `Found by ${first.rule} with ${confidence} confidence at ${first.path}`}${where}.`;
}

function whySuspect({ operator, certainty, because, exists }: Suspect): string {
  const registry =
    exists === undefined ? "" : exists ? "; its registry has it" : "; its registry does not have it";
  return `The program of ${operator} names it: ${because} (tag ${certainty}${registry}).`;
}

/** One comment, whatever the text has in it. */
function comment(text: string, indent = 0): string {
  return `${" ".repeat(indent)}# ${text.replaceAll(/\s+/g, " ").trim()}`;
}
