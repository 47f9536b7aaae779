// `unload BUNDLE --to TARGET…`: removes the images of the bundle that nothing else uses.
import type { Command } from "commander";
import { ViolaError } from "../errors.js";
import { unloadFolder } from "../workflows/load/k3s-folder.js";
import { unloadStore } from "../workflows/load/engine.js";
import { unloadBundle, type UnloadReport } from "../workflows/load/unload-nodes.js";
import { examples, keyOption, listOption } from "./command-line.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { EXIT } from "./failure.js";
import { baseOption, openGiven, type BaseFlags } from "./opening.js";
import { findK3sFolder, findStore, findTargetNodes, isStore, LOCAL_TARGETS, parseTargets } from "./target.js";
import { formatUnload } from "./reporters/unload.js";
import { addClusterFlags, type ClusterFlags } from "./wiring/installing.js";
import { refuseInstalled } from "./wiring/removing.js";

interface UnloadFlags extends CommonOptions, ClusterFlags, BaseFlags {
  readonly to: readonly string[];
  readonly force?: boolean;
}

/** Registers the command. Names that are kept are not an error; they are listed with the reason. */
export function registerUnload(program: Command, runCommand: RunCommand): void {
  addClusterFlags(
    program
      .command("unload")
      .description("remove what this bundle loaded and nothing else uses")
      .addHelpText("after", examples("unload app.bundle --to kind"))
      .argument("<bundle>", "bundle file")
      .addOption(baseOption())
      .addOption(keyOption())
      .addOption(listOption("--to <target>", `target to remove from: ${LOCAL_TARGETS}`)),
  )
    .option("--force", "do not ask the cluster whether releases of the bundle are installed")
    .action(async (file: string, flags: UnloadFlags) => {
      await runCommand(flags, async (runtime) => {
        const targets = parseTargets(flags.to, LOCAL_TARGETS).map((target) => {
          if (target.kind !== "registry") return target;
          throw new ViolaError("USAGE", "unload cannot remove images from a registry", {
            subject: target.host,
            hint: "Delete the repositories with the tools of the registry.",
          });
        });
        const { inventory } = await openGiven(file, flags, runtime);
        if (flags.force !== true)
          for (const target of targets) await refuseInstalled(target, inventory, flags, runtime);
        const reports: UnloadReport[] = [];
        for (const target of targets) {
          if (isStore(target)) {
            reports.push(await unloadStore(inventory, await findStore(target, runtime), runtime.signal));
            continue;
          }
          if (target.kind === "k3s") {
            const { folder, isRunning } = await findK3sFolder(runtime);
            reports.push(await unloadFolder(inventory, folder));
            if (!isRunning) continue;
          }
          const nodes = await findTargetNodes(target, runtime);
          reports.push(...(await unloadBundle(runtime.run, inventory, nodes)));
        }
        await runtime.stopProgress();
        runtime.print(reports, formatUnload, {
          formatVersion: 1,
          bundle: `${inventory.name} ${inventory.version}`,
          nodes: reports,
        });
        return EXIT.done;
      });
    });
}
