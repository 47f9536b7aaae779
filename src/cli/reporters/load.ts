// Formats the result of `load`.
import type { LoadReport, NodeReport } from "../../workflows/load/nodes.js";
import { formatTable } from "./table.js";
import { formatBytes } from "../units.js";

const ROUTES: Readonly<Record<NodeReport["route"], string>> = {
  none: "nothing to do",
  fetch: "fetched by the node",
  import: "streamed into the node",
  folder: "waits for its start",
};

/** Formats a table of nodes, and which names do not resolve where a store keeps no digests. */
export function formatLoad(reports: readonly LoadReport[]): string {
  const rows = reports.flatMap((report) =>
    report.nodes.map((node) => [
      node.node,
      node.platform,
      ROUTES[node.route],
      String(node.loadedNames.length),
      String(node.presentNames),
      formatBytes(node.sentBytes),
    ]),
  );
  const columns = [
    { heading: "NODE" },
    { heading: "PLATFORM" },
    { heading: "HOW" },
    { heading: "LOADED", align: "right" },
    { heading: "PRESENT BEFORE", align: "right" },
    { heading: "SENT", align: "right" },
  ] as const;
  const names = reports[0]?.names ?? 0;
  const table = formatTable(columns, rows);
  const unresolved = reports.flatMap(({ nodes }) => nodes).flatMap((node) => node.unresolved ?? []);
  if (unresolved.length === 0) {
    const isWaiting = reports.some(({ nodes }) => nodes.some(({ route }) => route === "folder"));
    const where = isWaiting ? "on every node that runs; k3s has them when it starts" : "on every node";
    return `${table}\n\nall ${names} image names resolve and are complete ${where}`;
  }
  return [
    `${table}\n`,
    "the content of all images is there; Docker keeps no digests of what it loads, so these names do not resolve in it:",
    ...unresolved.map((name) => `  ${name}`),
  ].join("\n");
}
