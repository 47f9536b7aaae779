// Formats the suspects: images that operators' programs name, for the user to review.
import { countOf } from "../../core/count-of.js";
import type { Suspect } from "../../core/finding/program/suspect.js";
import { formatTable } from "./table.js";

/** Lists the suspects by operator. */
export function formatSuspects(suspects: readonly Suspect[], width?: number): string {
  if (suspects.length === 0) return "No operator's program names another image";
  const lines = [
    `${countOf(suspects.length, "more image is", "more images are")} named by operators' programs; add those that you need to images.include of the spec`,
  ];
  for (const image of new Set(suspects.map(({ operatorImage }) => operatorImage))) {
    const ofOperator = suspects.filter(({ operatorImage }) => operatorImage === image);
    const columns = [
      { heading: "SUSPECT", shorten: "start", least: 20 },
      { heading: "TAG", shorten: "end" },
      { heading: "REGISTRY", shorten: "end" },
      { heading: "BECAUSE", shorten: "end", least: 16 },
    ] as const;
    const rows = ofOperator.map(({ reference, certainty, exists, because, rule, file }) => [
      reference,
      certainty,
      describeExistence(exists, certainty),
      `${because} (${rule} in ${file})`,
    ]);
    lines.push("", `${ofOperator[0]?.operator ?? ""} (${image})`, "", formatTable(columns, rows, { width }));
  }
  return lines.join("\n");
}

function describeExistence(exists: boolean | undefined, certainty: Suspect["certainty"]): string {
  if (exists === undefined) return certainty === "unknown" ? "" : "unknown";
  return exists ? "exists" : "not found";
}
