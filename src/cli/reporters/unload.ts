// What an unload removed and kept, as text.
import type { UnloadReport } from "../../workflows/load/unload-nodes.js";
import { formatBytes } from "../units.js";
import { formatTable } from "./table.js";

export function formatUnload(reports: readonly UnloadReport[], width?: number): string {
  const columns = [
    { heading: "NODE", shorten: "start", least: 12 },
    { heading: "REMOVED", align: "right" },
    { heading: "KEPT", align: "right" },
    { heading: "FREED", align: "right" },
  ] as const;
  const rows = reports.map(({ node, removed, kept, freedBytes }) => [
    node,
    String(removed.length),
    String(kept.length),
    formatBytes(freedBytes),
  ]);
  const kept = reports.flatMap((report) =>
    report.kept.map(({ name, reason }) => `  ${report.node}: ${name}: ${reason}`),
  );
  return [formatTable(columns, rows, { width }), ...(kept.length > 0 ? ["kept:", ...kept] : [])].join("\n");
}
