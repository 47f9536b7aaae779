// `install BUNDLE`: helm upgrade --install of every release, after checking that its Pods can
// start.
import type { Command } from "commander";
import { requireValues } from "../core/bundle/bundled-values.js";
import { oneOrMany, ViolaError } from "../errors.js";
import type { OpenBundle } from "../workflows/ports.js";
import { chooseReleases, installBundle, type InstallReport } from "../workflows/install/install.js";
import type { CommandRuntime, CommonOptions, RunCommand } from "./runtime.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { baseOption, openGiven, type BaseFlags } from "./opening.js";
import {
  addInstallFlags,
  makeInstallPorts,
  readInstallFlags,
  type InstallFlags,
} from "./wiring/installing.js";
import { findContextOf, findImagePlaces } from "./wiring/install-target.js";
import { INSTALL_TARGETS, parseTarget, requireInstallable, type InstallTarget } from "./target.js";
import { formatInstall } from "./reporters/install.js";

interface Flags extends CommonOptions, InstallFlags, BaseFlags {
  readonly to?: string;
}

export function registerInstall(program: Command, runCommand: RunCommand): void {
  addInstallFlags(
    program
      .command("install")
      .description("install the releases of the bundle and wait until every Pod runs")
      .addHelpText(
        "after",
        examples(
          "install app.bundle --to kind",
          "install app.bundle --context lab --release shop -f lab.yaml --set web.replicas=2",
        ),
      )
      .argument("<bundle>", "bundle file")
      .addOption(baseOption())
      .addOption(keyOption())
      .option("--to <target>", `target that the images were loaded into: ${INSTALL_TARGETS}`),
  ).action(async (file: string, flags: Flags) => {
    await runCommand(flags, async (runtime) => {
      const target =
        flags.to === undefined ? undefined : requireInstallable(parseTarget(flags.to), "install");
      const bundle = await openGiven(file, flags, runtime);
      const releases = chooseReleases(bundle.inventory, flags.release);
      requireValues(releases, flags.values);
      requireCharts(bundle, releases);
      const report = await runInstall(bundle, flags, target, runtime);
      await runtime.stopProgress();
      runtime.print(report, formatInstall, { formatVersion: 1, ...report });
      return report.outcome === "installed" ? EXIT.done : EXIT.negative;
    });
  });
}

/** Throws `BASE_MISSING` for every chart that is in a base which was not given. */
export function requireCharts(bundle: OpenBundle, releases: OpenBundle["inventory"]["releases"]): void {
  const errors = releases.flatMap(({ file }) => {
    try {
      bundle.locate(file);
      return [];
    } catch (cause) {
      if (cause instanceof ViolaError) return [cause];
      throw cause;
    }
  });
  if (errors.length > 0) throw oneOrMany("some charts are not at hand", errors);
}

/** Installs the releases that the flags select, and looks images up in the target. */
export async function runInstall(
  bundle: OpenBundle,
  flags: InstallFlags,
  target: InstallTarget | undefined,
  runtime: CommandRuntime,
): Promise<InstallReport> {
  const installPorts = await makeInstallPorts(flags, await findContextOf(target, runtime), runtime);
  const places = await findImagePlaces(target, installPorts.cluster.context, runtime);
  const options = await readInstallFlags(flags, places, runtime);
  return installBundle(runtime.run, bundle, options, installPorts);
}
