// `load BUNDLE --to TARGET…`: every image into every node, checked there.
import { resolve } from "node:path";
import type { Command } from "commander";
import { ViolaError } from "../errors.js";
import { loadBundle, type LoadReport, type NodeReport } from "../workflows/load.js";
import type { CommandContext, CommonOptions } from "./context.js";
import { EXIT } from "./failure.js";
import type { Launch } from "./program.js";
import { formatTable } from "./reporters/table.js";
import { formatBytes } from "./units.js";

interface LoadFlags extends CommonOptions {
  readonly to: readonly string[];
}

/** A target of the command line, understood. */
interface Target {
  readonly kind: "kind";
  readonly cluster?: string;
}

const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];

export function registerLoad(program: Command, launch: Launch): void {
  program
    .command("load")
    .description("load every image of the bundle into the nodes of a cluster")
    .argument("<bundle>", "bundle file")
    .requiredOption("--to <target>", "where to: kind[:CLUSTER]; may be repeated", collect, [])
    .action(async (file: string, flags: LoadFlags) => {
      await launch(flags, async (context) => {
        const targets = flags.to.map(parseTarget);
        const bundle = await context.reader.openBundle(resolve(context.cwd, file));
        const loadContext = await makeLoadContext(context);
        const reports: LoadReport[] = [];
        for (const { cluster } of targets) {
          const options = cluster === undefined ? {} : { cluster };
          reports.push(await loadBundle(bundle, options, loadContext, context.progress.onProgress));
        }
        await context.progress.stop();
        const nodes = reports.flatMap((report) => report.nodes);
        context.print(formatLoad(reports), { formatVersion: 1, bundle: reports[0]?.bundle, nodes });
        return EXIT.done;
      });
    });
}

function parseTarget(text: string): Target {
  const [kind, cluster, ...more] = text.split(":");
  if (kind !== "kind" || cluster === "" || more.length > 0) {
    throw new ViolaError("USAGE", `"${text}" is no target that this release knows`, {
      subject: text,
      hint: "Write kind or kind:CLUSTER.",
    });
  }
  return { kind, ...(cluster !== undefined && { cluster }) };
}

async function makeLoadContext(context: CommandContext): Promise<Parameters<typeof loadBundle>[2]> {
  const [{ findKindNodes }, { serveBundle }, { readSegments }, engine] = await Promise.all([
    import("../adapters/kind/nodes.js"),
    import("../adapters/bundle-registry/server.js"),
    import("../adapters/bundle-registry/segments.js"),
    context.docker(),
  ]);
  return {
    reader: context.reader,
    findNodes: (cluster, signal) => findKindNodes(engine, cluster, signal),
    serveBundle,
    readSegments,
    signal: context.signal,
  };
}

function formatLoad(reports: readonly LoadReport[]): string {
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
  return `${formatTable(columns, rows)}\n\nall ${names} image names resolve and are complete on every node`;
}

const ROUTES: Readonly<Record<NodeReport["route"], string>> = {
  none: "nothing to do",
  fetch: "fetched by the node",
  import: "streamed into the node",
};
