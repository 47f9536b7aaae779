// What a machine has and lacks, as text.
import type { Finding } from "../../workflows/doctor.js";
import { formatTable } from "./table.js";

export function formatDoctor(findings: readonly Finding[], width?: number): string {
  const columns = [
    { heading: "" },
    { heading: "PART", shorten: "end", least: 10 },
    { heading: "FOR", shorten: "end", least: 10 },
    { heading: "WHAT", shorten: "end", least: 20 },
  ] as const;
  const table = formatTable(
    columns,
    findings.map(({ isThere, name, neededFor, detail }) => [isThere ? "✓" : "✗", name, neededFor, detail]),
    { width },
  );
  const hints = findings.flatMap(({ name, hint }) => (hint === undefined ? [] : [`${name}: ${hint}`]));
  return hints.length === 0
    ? table
    : `${table}\n\nwhat to do if you need the missing parts:\n  ${hints.join("\n  ")}`;
}
