// `install BUNDLE`: helm upgrade --install of every release, refused beforehand where a Pod could not start.
import { resolve } from "node:path";
import type { Command } from "commander";
import type { OpenBundle } from "../workflows/ports.js";
import { installBundle, type InstallReport } from "../workflows/install/install.js";
import type { CommandRuntime, CommonOptions } from "./runtime.js";
import { EXIT } from "./failure.js";
import {
  addInstallFlags,
  makeInstallContext,
  readInstallFlags,
  type InstallFlags,
} from "./wiring/installing.js";
import { findContextOf, findImagePlaces } from "./wiring/install-target.js";
import { INSTALL_TARGETS, parseTarget, requireInstallable, type InstallTarget } from "./target.js";
import { formatInstall } from "./reporters/install.js";
import type { RunCommand } from "./runtime.js";

interface Flags extends CommonOptions, InstallFlags {
  readonly to?: string;
}

export function registerInstall(program: Command, launch: RunCommand): void {
  addInstallFlags(
    program
      .command("install")
      .description("install the releases of the bundle, until every Pod runs")
      .argument("<bundle>", "bundle file")
      .option("--to <target>", `where the images were loaded: ${INSTALL_TARGETS}`),
  ).action(async (file: string, flags: Flags) => {
    await launch(flags, async (context) => {
      const target =
        flags.to === undefined ? undefined : requireInstallable(parseTarget(flags.to), "install");
      const bundle = await context.reader.openBundle(resolve(context.cwd, file));
      const report = await runInstall(bundle, flags, target, context);
      await context.progress.stop();
      context.print(formatInstall(report), { formatVersion: 1, ...report });
      return report.outcome === "installed" ? EXIT.done : EXIT.no;
    });
  });
}

/** Installs what the flags say; the images are looked for where the target says. */
export async function runInstall(
  bundle: OpenBundle,
  flags: InstallFlags,
  target: InstallTarget | undefined,
  context: CommandRuntime,
): Promise<InstallReport> {
  const installContext = await makeInstallContext(flags, await findContextOf(target, context), context);
  const places = await findImagePlaces(target, installContext.cluster.context, context);
  const options = readInstallFlags(flags, places, context);
  return installBundle(bundle, options, installContext, context.progress.onProgress);
}
