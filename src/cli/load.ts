// `load BUNDLE --to TARGET…`: every image into every node, checked there, and with `--install` the releases after them.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { Command } from "commander";
import { ViolaError } from "../errors.js";
import { loadFolder } from "../workflows/load/k3s-folder.js";
import { loadStore } from "../workflows/load/engine.js";
import { loadBundle, type LoadPorts, type LoadReport } from "../workflows/load/nodes.js";
import type { CommandRuntime, CommonOptions } from "./runtime.js";
import { EXIT } from "./failure.js";
import { addInstallFlags, type InstallFlags } from "./wiring/installing.js";
import { runInstall } from "./install.js";
import {
  findK3sFolder,
  findStore,
  findTargetNodes,
  isStore,
  NODE_TARGETS,
  parseTargets,
  requireInstallable,
  TARGETS,
  type Target,
} from "./target.js";
import { pushToRegistry, type PushFlags, type PushResult } from "./push.js";
import { formatInstall } from "./reporters/install.js";
import { formatLoad } from "./reporters/load.js";
import { collect, type RunCommand } from "./runtime.js";

interface LoadFlags extends CommonOptions, InstallFlags, PushFlags {
  readonly to: readonly string[];
  readonly install?: boolean;
  readonly unpack?: boolean;
}

export function registerLoad(program: Command, runCommand: RunCommand): void {
  addInstallFlags(
    program
      .command("load")
      .description("load every image of the bundle into nodes, or into a registry")
      .argument("<bundle>", "bundle file")
      .option("--to <target>", `where to: ${TARGETS}; may be repeated`, collect, [])
      .option("--settings <folder>", "where settings for nodes go that pull from a registry target")
      .option("--docker-mirror", "push images of Docker Hub also to where dockerd asks a mirror for them")
      .option("--unpack", "unpack images on nodes at once, so that the first start of a Pod is quick")
      .option("--install", "then install the releases; the options below are for this"),
  ).action(async (file: string, flags: LoadFlags) => {
    await runCommand(flags, async (runtime) => {
      const targets = parseTargets(flags.to);
      refuseIdleFlags(flags, targets);
      const isInstalling = flags.install === true;
      if (isInstalling && targets.length > 1) {
        throw new ViolaError("USAGE", "--install goes with one --to", { subject: "--install" });
      }
      const [first] = targets;
      const installTarget = isInstalling && first ? requireInstallable(first, "--install") : undefined;
      const bundle = await runtime.reader.openBundle(resolve(runtime.cwd, file));
      const loaded: LoadReport[] = [];
      const pushed: PushResult[] = [];
      for (const target of targets) {
        if (target.kind === "registry") {
          pushed.push(await pushToRegistry(bundle, target, flags, runtime));
        } else if (isStore(target)) {
          const [store, loadPorts] = await Promise.all([findStore(target, runtime), makeLoadPorts(runtime)]);
          loaded.push(await loadStore(runtime.run, bundle, store, loadPorts));
        } else if (target.kind === "k3s" && !isInstalling && !(await findK3sFolder(runtime)).isRunning) {
          const [{ folder }, loadPorts] = await Promise.all([findK3sFolder(runtime), makeLoadPorts(runtime)]);
          loaded.push(await loadFolder(runtime.run, bundle, folder, loadPorts));
        } else {
          const [nodes, loadPorts] = await Promise.all([
            findTargetNodes(target, runtime),
            makeLoadPorts(runtime),
          ]);
          loaded.push(
            await loadBundle(
              runtime.run,
              bundle,
              { target: nodes, unpack: flags.unpack === true },
              loadPorts,
            ),
          );
        }
      }
      const install = isInstalling ? await runInstall(bundle, flags, installTarget, runtime) : undefined;
      await runtime.stopProgress();
      const { name, version } = bundle.inventory;
      runtime.print(
        [
          ...(loaded.length > 0 ? [formatLoad(loaded)] : []),
          ...pushed.map(({ text }) => text),
          ...(install === undefined ? [] : [formatInstall(install)]),
        ].join("\n\n"),
        {
          formatVersion: 1,
          bundle: `${name} ${version}`,
          nodes: loaded.flatMap(({ nodes }) => nodes),
          ...(pushed.length > 0 && { registries: pushed.map(({ document }) => document) }),
          ...(install !== undefined && { install }),
        },
      );
      const isWell =
        pushed.every(({ isComplete }) => isComplete) && (install?.outcome ?? "installed") === "installed";
      return isWell ? EXIT.done : EXIT.negative;
    });
  });
}

/** Throws `USAGE` for an option that none of the targets takes notice of. */
function refuseIdleFlags(flags: LoadFlags, targets: readonly Target[]): void {
  const { unpack, settings, dockerMirror, install, values, set, release } = flags;
  const idle = values.length > 0 ? "--values" : set.length > 0 ? "--set" : release && "--release";
  if (install !== true && idle !== undefined) {
    throw new ViolaError("USAGE", `${idle} goes with --install only`, {
      subject: idle,
      hint: "Add --install, or leave it out.",
    });
  }
  const refuse = (
    option: string,
    given: unknown,
    goesWith: (target: Target) => boolean,
    what: string,
  ): void => {
    if (given === undefined || targets.some(goesWith)) return;
    throw new ViolaError("USAGE", `${option} goes with ${what} only`, {
      subject: option,
      hint: "Leave it out, or name such a target with --to.",
    });
  };
  const isRegistry = ({ kind }: Target): boolean => kind === "registry";
  refuse("--settings", settings, isRegistry, "a registry as target");
  refuse("--docker-mirror", dockerMirror, isRegistry, "a registry as target");
  refuse("--unpack", unpack, (target) => !isRegistry(target) && !isStore(target), `nodes (${NODE_TARGETS})`);
}

async function makeLoadPorts(runtime: CommandRuntime): Promise<LoadPorts> {
  const [{ serveBundle }, { readSegments }] = await Promise.all([
    import("../adapters/bundle-registry/server.js"),
    import("../adapters/files/read-segments.js"),
  ]);
  return {
    reader: runtime.reader,
    serveBundle,
    readSegments,
    cores: availableParallelism(),
  };
}
