// `uninstall BUNDLE`: helm uninstall of the releases of the bundle, the last one first.
import type { Command } from "commander";
import { localFiles } from "../adapters/files/local-files.js";
import { uninstallBundle } from "../workflows/uninstall/uninstall.js";
import { examples, keyOption } from "./command-line.js";
import { EXIT } from "./failure.js";
import { baseOption, openGiven, type BaseFlags } from "./opening.js";
import { formatUninstall } from "./reporters/uninstall.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { INSTALL_TARGETS, parseTarget, requireInstallable } from "./target.js";
import { addClusterFlags, connectCluster, parseSeconds, type ClusterFlags } from "./wiring/installing.js";
import { clusterOf, makeReleaseTool } from "./wiring/removing.js";

interface UninstallFlags extends CommonOptions, ClusterFlags, BaseFlags {
  readonly to?: string;
  readonly release?: string;
  readonly timeout: string;
  readonly hooks: boolean;
  readonly wait: boolean;
}

/** Registers the command. The exit code is 1 if helm could not uninstall a release. */
export function registerUninstall(program: Command, runCommand: RunCommand): void {
  addClusterFlags(
    program
      .command("uninstall")
      .description("uninstall the releases of the bundle, the last one first, and report what stays")
      .addHelpText(
        "after",
        examples("uninstall app.bundle --to kind", "uninstall app.bundle --context lab --release shop"),
      )
      .argument("<bundle>", "bundle file")
      .addOption(baseOption())
      .addOption(keyOption())
      .option("--to <target>", `target whose cluster is used: ${INSTALL_TARGETS}`),
  )
    .option("--release <name>", "uninstall only this release")
    .option("--timeout <time>", "time limit of the hooks and of the deletion: 90s, 10m, 1h", "10m")
    .option("--no-hooks", "do not run the hooks of the charts")
    .option("--no-wait", "do not wait until everything is deleted")
    .action(async (file: string, flags: UninstallFlags) => {
      await runCommand(flags, async (runtime) => {
        const target = flags.to === undefined ? undefined : parseTarget(flags.to);
        if (target !== undefined) requireInstallable(target, "uninstall");
        const options = {
          release: flags.release,
          timeoutSeconds: parseSeconds(flags.timeout),
          runsHooks: flags.hooks,
          isWaiting: flags.wait,
        };
        const bundle = await openGiven(file, flags, runtime);
        const chosen = await clusterOf(target, flags, runtime);
        const cluster = await connectCluster(chosen, undefined, runtime);
        const ports = {
          cluster,
          releases: await makeReleaseTool({ ...chosen, context: cluster.context }, runtime),
          files: localFiles,
          temporaryFolder: await runtime.temporaryFolder(),
        };
        const report = await uninstallBundle(runtime.run, bundle, options, ports);
        await runtime.stopProgress();
        runtime.print(report, formatUninstall, { formatVersion: 1, ...report });
        return report.outcome === "uninstalled" ? EXIT.done : EXIT.negative;
      });
    });
}
