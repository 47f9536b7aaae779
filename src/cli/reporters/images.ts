// The list of found images, and the evidence for one of them, for people.
import type { Findings, ImageUse } from "../../core/finding/image-use.js";
import { formatTable } from "./table.js";

/** Writes required images, optional ones apart, and warnings. */
export function formatFindings({ images, warnings }: Findings): string {
  const required = images.filter((image) => image.required);
  const optional = images.filter((image) => !image.required);
  const lines = [`${required.length} images are required`, "", imageTable(required)];
  if (optional.length > 0)
    lines.push(
      "",
      `${optional.length} are optional and stay out unless the spec includes them`,
      "",
      imageTable(optional),
    );
  if (warnings.length > 0) lines.push("", ...warnings.map(({ code, message }) => `! ${code}: ${message}`));
  return lines.join("\n");
}

/** Writes every piece of evidence for the image, or that there is none. */
export function formatEvidence(wanted: string, use: ImageUse | undefined): string {
  if (use === undefined) return `${wanted}: nothing asks for it`;
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

function imageTable(images: readonly ImageUse[]): string {
  return formatTable(
    [{ heading: "IMAGE" }, { heading: "FOUND BY" }, { heading: "IN" }],
    images.map(({ normalized, confidence, evidence }) => {
      const [first] = evidence;
      const more = evidence.length > 1 ? ` and ${evidence.length - 1} more` : "";
      return [normalized, `${first?.rule ?? ""} (${confidence})`, `${first?.object ?? ""}${more}`];
    }),
  );
}
