// `install BUNDLE`: helm upgrade --install of every release, refused beforehand where a Pod could not start.
import { resolve } from "node:path";
import type { Command } from "commander";
import type { NodeTarget } from "../core/cluster/node.js";
import { ViolaError } from "../errors.js";
import type { OpenBundle } from "../workflows/context.js";
import { installBundle, type InstallReport } from "../workflows/install.js";
import type { Launch } from "./command.js";
import type { CommandContext, CommonOptions } from "./context.js";
import { EXIT } from "./failure.js";
import {
  addInstallFlags,
  makeInstallContext,
  readInstallFlags,
  type InstallFlags,
} from "./install-context.js";
import { findTargetNodes, parseTarget, requireNodes, NODE_TARGETS, type NodesTarget } from "./load-target.js";
import { formatInstall } from "./reporters/install.js";

/** What looking for a cluster ends in where there is none, or no engine. */
const NOT_HERE: ReadonlySet<string> = new Set(["CLUSTER_NOT_FOUND", "DOCKER_UNAVAILABLE"]);

interface Flags extends CommonOptions, InstallFlags {
  readonly to?: string;
}

export function registerInstall(program: Command, launch: Launch): void {
  addInstallFlags(
    program
      .command("install")
      .description("install the releases of the bundle, until every Pod runs")
      .argument("<bundle>", "bundle file")
      .option("--to <target>", `where the images were loaded: ${NODE_TARGETS}`),
  ).action(async (file: string, flags: Flags) => {
    await launch(flags, async (context) => {
      const target = flags.to === undefined ? undefined : parseNodesTarget(flags.to);
      const bundle = await context.reader.openBundle(resolve(context.cwd, file));
      const report = await runInstall(bundle, flags, target, context);
      await context.progress.stop();
      context.print(formatInstall(report), { formatVersion: 1, ...report });
      return report.outcome === "installed" ? EXIT.done : EXIT.no;
    });
  });
}

/** Installs what the flags say; the images are looked for on the nodes of the target where there is one. */
export async function runInstall(
  bundle: OpenBundle,
  flags: InstallFlags,
  target: NodesTarget | undefined,
  context: CommandContext,
): Promise<InstallReport> {
  // Kind writes contexts of this name into the kubeconfig.
  const cluster = target?.kind === "kind" ? target.cluster : undefined;
  const preferred = cluster === undefined ? undefined : `kind-${cluster}`;
  const installContext = await makeInstallContext(flags, preferred, context);
  const nodes =
    target === undefined
      ? await findNodesOfContext(installContext.cluster.context, context)
      : await findTargetNodes(target, context);
  const options = readInstallFlags(flags, nodes, context);
  return installBundle(bundle, options, installContext, context.progress.onProgress);
}

/** The nodes of a Kind cluster on this machine's engine, when the context is one that Kind wrote; else undefined. */
async function findNodesOfContext(name: string, context: CommandContext): Promise<NodeTarget | undefined> {
  const cluster = /^kind-(.+)$/.exec(name)?.[1];
  if (cluster === undefined) return undefined;
  const target = await findTargetNodes({ kind: "kind", cluster }, context);
  const isHere = await target.findNodes(context.signal).then(
    () => true,
    (error: unknown) => {
      if (error instanceof ViolaError && NOT_HERE.has(error.code)) return false;
      throw error;
    },
  );
  return isHere ? target : undefined;
}

/** Reads the target of an installation. Throws `USAGE` for one that is no place of nodes. */
export function parseNodesTarget(text: string): NodesTarget {
  return requireNodes(parseTarget(text), "install");
}
