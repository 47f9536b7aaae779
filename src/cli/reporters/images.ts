// Formats the list of images, and the evidence for one image.
import { countOf } from "../../core/count-of.js";
import { componentOf } from "../../core/charts/component.js";
import type { Findings, FindingWarning, ImageUse } from "../../core/images/image-use.js";
import type { Explanation } from "../../core/finding/explain-image.js";
import { formatSuspects } from "./suspects.js";
import { formatTable } from "./table.js";

/** Lists required images, optional images, images whose version is not known, and warnings. */
export function formatFindings({ images, unresolved = [], warnings }: Findings, width?: number): string {
  const required = images.filter((image) => image.required);
  const optional = images.filter((image) => !image.required);
  const lines = [
    `${countOf(required.length, "image is", "images are")} required`,
    "",
    imageTable(required, width),
  ];
  if (optional.length > 0)
    lines.push(
      "",
      `${countOf(optional.length, "image is", "images are")} optional; the bundle has only those that the spec includes`,
      "",
      imageTable(optional, width),
    );
  const names = [...new Set(unresolved.map(({ repository }) => repository))];
  if (names.length > 0) {
    const are = countOf(names.length, "image is", "images are");
    lines.push("", `${are} started in a version that is not known`, "", ...names);
  }
  return [...lines, ...warningLines(warnings)].join("\n");
}

/** Lists the evidence for the image, or similar images when there is none, and the warnings. */
export function formatExplanation(
  { wanted, images, warnings, suspects = [], near = [] }: Explanation,
  width?: number,
): string {
  const lines = images.length > 0 ? images.map(formatEvidence) : [`${wanted}: no release uses it`];
  if (near.length > 0) lines.push("", "Images of the same repository:", ...near.map((name) => `  ${name}`));
  if (suspects.length > 0) lines.push("", formatSuspects(suspects, width));
  return [...lines, ...warningLines(warnings)].join("\n");
}

function warningLines(warnings: readonly FindingWarning[]): readonly string[] {
  const lines = warnings.flatMap((warning) => {
    const { code, message, hint, incomplete, silenced } = warning;
    if (silenced !== undefined) return [`- ${code}: ${message} (silenced: ${silenced})`];
    return [
      `! ${code}: ${message}`,
      ...(hint === undefined ? [] : [`  what to do: ${hint}`]),
      ...(incomplete ? [`  to silence it: add ${silenceOf(warning)} to warnings.silence of the spec`] : []),
    ];
  });
  return lines.length === 0 ? [] : ["", ...lines];
}

/** Returns the entry of the spec that silences the warning. */
function silenceOf({ code, object, chart }: FindingWarning): string {
  const subject = object ?? chart;
  return `{ code: ${code}, ${subject === undefined ? "" : `subject: ${subject}, `}reason: WHY }`;
}

function formatEvidence(use: ImageUse): string {
  const lines = [
    `${use.normalized}: ${use.required ? "required" : "optional"}, ${use.confidence} confidence`,
  ];
  for (const { rule, chart, template, object, path, value, because } of use.evidence) {
    lines.push("", `  rule      ${rule}`);
    for (const [name, text] of Object.entries({
      chart,
      template,
      object,
      path,
      value,
      because: because ?? "",
    })) {
      if (text !== "") lines.push(`  ${name.padEnd(9)} ${text}`);
    }
  }
  return lines.join("\n");
}

/**
 * Lists the images, sorted by component. The component is written only in the first of several
 * rows.
 */
function imageTable(images: readonly ImageUse[], width: number | undefined): string {
  const rows = images
    .map((image) => ({ component: componentsOf(image), image }))
    .sort((one, other) => (one.component < other.component ? -1 : one.component > other.component ? 1 : 0));
  return formatTable(
    [
      { heading: "COMPONENT", shorten: "end", least: 10 },
      { heading: "IMAGE", shorten: "start", least: 24 },
      { heading: "FOUND BY", shorten: "end" },
      { heading: "IN", shorten: "end", least: 12 },
    ],
    rows.map(({ component, image: { normalized, confidence, evidence } }, index) => {
      const [first] = evidence;
      const more = evidence.length > 1 ? ` and ${evidence.length - 1} more` : "";
      return [
        component === rows[index - 1]?.component ? "" : component,
        normalized,
        `${first?.rule ?? ""} (${confidence})`,
        `${first?.object ?? ""}${more}`,
      ];
    }),
    { width },
  );
}

function componentsOf({ evidence }: ImageUse): string {
  return [...new Set(evidence.map(componentOf))]
    .filter((name) => name !== "")
    .sort()
    .join(", ");
}
