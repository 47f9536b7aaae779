// `install BUNDLE`: helm upgrade --install of every release, refused beforehand where a Pod could not start.
import { resolve } from "node:path";
import type { Command } from "commander";
import type { OpenBundle } from "../workflows/context.js";
import { installBundle, type InstallReport, type InstallTarget } from "../workflows/install.js";
import type { CommandContext, CommonOptions } from "./context.js";
import { EXIT } from "./failure.js";
import {
  addInstallFlags,
  makeInstallContext,
  readInstallFlags,
  type InstallFlags,
} from "./install-context.js";
import { parseTarget, type Target } from "./load-target.js";
import type { Launch } from "./program.js";
import { formatInstall } from "./reporters/install.js";

interface Flags extends CommonOptions, InstallFlags {
  readonly to?: string;
}

export function registerInstall(program: Command, launch: Launch): void {
  addInstallFlags(
    program
      .command("install")
      .description("install the releases of the bundle, until every Pod runs")
      .argument("<bundle>", "bundle file")
      .option("--to <target>", "where the images were loaded: kind[:CLUSTER]"),
  ).action(async (file: string, flags: Flags) => {
    await launch(flags, async (context) => {
      const target = flags.to === undefined ? undefined : parseTarget(flags.to);
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
  target: Target | undefined,
  context: CommandContext,
): Promise<InstallReport> {
  // Kind writes contexts of this name into the kubeconfig.
  const preferred = target?.cluster === undefined ? undefined : `kind-${target.cluster}`;
  const installTarget = target === undefined ? undefined : await findTarget(target, context);
  const options = readInstallFlags(flags, installTarget, context);
  const installContext = await makeInstallContext(flags, preferred, context);
  return installBundle(bundle, options, installContext, context.progress.onProgress);
}

async function findTarget({ cluster }: Target, context: CommandContext): Promise<InstallTarget> {
  const [{ findKindNodes }, engine] = await Promise.all([
    import("../adapters/kind/nodes.js"),
    context.docker(),
  ]);
  return {
    name: cluster === undefined ? "kind" : `kind:${cluster}`,
    findNodes: (signal) => findKindNodes(engine, cluster, signal),
  };
}
