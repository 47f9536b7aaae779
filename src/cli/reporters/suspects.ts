// Images that operators' own programs name, for people to decide on.
import type { Suspect } from "../../core/finding/program/suspect.js";
import { formatTable } from "./table.js";

/** Writes the suspects of each operator; none is an answer, too. */
export function formatSuspects(suspects: readonly Suspect[]): string {
  if (suspects.length === 0) return "No operator's own program names another image";
  const lines = [
    `${suspects.length} more are named by operators' own programs; put those that you need into the spec (images.include)`,
  ];
  for (const image of new Set(suspects.map(({ operatorImage }) => operatorImage))) {
    const ofOperator = suspects.filter(({ operatorImage }) => operatorImage === image);
    const columns = [
      { heading: "SUSPECT" },
      { heading: "TAG" },
      { heading: "REGISTRY" },
      { heading: "BECAUSE" },
    ];
    const rows = ofOperator.map(({ reference, certainty, exists, because, rule, file }) => [
      reference,
      certainty,
      registryAnswer(exists, certainty),
      `${because} (${rule} in ${file})`,
    ]);
    lines.push("", `${ofOperator[0]?.operator ?? ""} (${image})`, "", formatTable(columns, rows));
  }
  return lines.join("\n");
}

function registryAnswer(exists: boolean | undefined, certainty: Suspect["certainty"]): string {
  if (exists === undefined) return certainty === "unknown" ? "" : "does not say";
  return exists ? "has it" : "has it not";
}
