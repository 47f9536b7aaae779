// Formats the result of `load`.
import type { LoadReport, NodeReport } from "../../workflows/load/nodes.js";
import { formatTable } from "./table.js";
import { formatBytes } from "../units.js";

const ROUTES: Readonly<Record<NodeReport["route"], string>> = {
  none: "nothing to do",
  fetch: "fetched by the node",
  import: "streamed into the node",
  folder: "imported when k3s starts",
};

/**
 * Formats a table of nodes, and the names that do not resolve because a Docker engine does not keep
 * digests.
 */
export function formatLoad(reports: readonly LoadReport[], width?: number): string {
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
    { heading: "NODE", shorten: "start", least: 12 },
    { heading: "PLATFORM", shorten: "end", leaveOut: 1 },
    { heading: "HOW", shorten: "end", least: 12 },
    { heading: "LOADED", align: "right" },
    { heading: "PRESENT BEFORE", align: "right" },
    { heading: "SENT", align: "right" },
  ] as const;
  const names = reports[0]?.names ?? 0;
  const table = formatTable(columns, rows, { width });
  const unresolved = reports.flatMap(({ nodes }) => nodes).flatMap((node) => node.unresolved ?? []);
  if (unresolved.length === 0) {
    const isWaiting = reports.some(({ nodes }) => nodes.some(({ route }) => route === "folder"));
    const where = isWaiting ? "on every running node; k3s imports them when it starts" : "on every node";
    return `${table}\n\n${names === 1 ? "the 1 image name resolves and is" : `all ${names} image names resolve and are`} complete ${where}`;
  }
  return [
    `${table}\n`,
    "all images are loaded; Docker does not keep the digests of loaded images, so these names do not resolve:",
    ...unresolved.map((name) => `  ${name}`),
  ].join("\n");
}
