// `load BUNDLE --to TARGET…`: every image into every node, checked there, and with `--install` the releases after them.
import { resolve } from "node:path";
import type { Command } from "commander";
import { ViolaError } from "../errors.js";
import { loadBundle, type LoadReport, type NodeReport } from "../workflows/load.js";
import type { CommandContext, CommonOptions } from "./context.js";
import { EXIT } from "./failure.js";
import { addInstallFlags, type InstallFlags } from "./install-context.js";
import { runInstall } from "./install.js";
import { parseTarget } from "./load-target.js";
import type { Launch } from "./program.js";
import { formatInstall } from "./reporters/install.js";
import { formatTable } from "./reporters/table.js";
import { formatBytes } from "./units.js";

interface LoadFlags extends CommonOptions, InstallFlags {
  readonly to: readonly string[];
  readonly install?: boolean;
}

const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];

export function registerLoad(program: Command, launch: Launch): void {
  addInstallFlags(
    program
      .command("load")
      .description("load every image of the bundle into the nodes of a cluster")
      .argument("<bundle>", "bundle file")
      .requiredOption("--to <target>", "where to: kind[:CLUSTER]; may be repeated", collect, [])
      .option("--install", "then install the releases; the options below are for this"),
  ).action(async (file: string, flags: LoadFlags) => {
    await launch(flags, async (context) => {
      const targets = flags.to.map(parseTarget);
      const isInstalling = flags.install === true;
      if (isInstalling && targets.length > 1) {
        throw new ViolaError("USAGE", "--install goes with one --to", { subject: "--install" });
      }
      const bundle = await context.reader.openBundle(resolve(context.cwd, file));
      const loadContext = await makeLoadContext(context);
      const reports: LoadReport[] = [];
      for (const { cluster } of targets) {
        const options = cluster === undefined ? {} : { cluster };
        reports.push(await loadBundle(bundle, options, loadContext, context.progress.onProgress));
      }
      const install = isInstalling ? await runInstall(bundle, flags, targets[0], context) : undefined;
      await context.progress.stop();
      const nodes = reports.flatMap((report) => report.nodes);
      const document = { formatVersion: 1, bundle: reports[0]?.bundle, nodes };
      const text = formatLoad(reports);
      if (install === undefined) context.print(text, document);
      else context.print(`${text}\n\n${formatInstall(install)}`, { ...document, install });
      return install === undefined || install.outcome === "installed" ? EXIT.done : EXIT.no;
    });
  });
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
