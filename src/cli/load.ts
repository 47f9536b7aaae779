// `load BUNDLE --to TARGET…`: loads every image into every target and verifies it. With
// `--install`, also installs the releases.
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
      .description("load every image of the bundle into nodes, a container engine or a registry")
      .argument("<bundle>", "bundle file")
      .option("--to <target>", `target to load into: ${TARGETS}; may be repeated`, collect, [])
      .option(
        "--settings <folder>",
        "write settings that make nodes pull from the registry target to this folder",
      )
      .option(
        "--docker-mirror",
        "also push images of Docker Hub to the paths that dockerd requests from a mirror",
      )
      .option("--unpack", "unpack images on nodes while loading, so that the first start of a Pod is fast")
      .option("--install", "install the releases after loading; the options below apply to this"),
  ).action(async (file: string, flags: LoadFlags) => {
    await runCommand(flags, async (runtime) => {
      const targets = parseTargets(flags.to);
      refuseIdleFlags(flags, targets);
      const isInstalling = flags.install === true;
      if (isInstalling && targets.length > 1) {
        throw new ViolaError("USAGE", "--install requires exactly one --to", { subject: "--install" });
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

/** Throws `USAGE` for an option that applies to none of the targets. */
function refuseIdleFlags(flags: LoadFlags, targets: readonly Target[]): void {
  const { unpack, settings, dockerMirror, install, values, set, release } = flags;
  const idle = values.length > 0 ? "--values" : set.length > 0 ? "--set" : release && "--release";
  if (install !== true && idle !== undefined) {
    throw new ViolaError("USAGE", `${idle} requires --install`, {
      subject: idle,
      hint: `Add --install, or omit ${idle}.`,
    });
  }
  const refuse = (
    option: string,
    given: unknown,
    appliesTo: (target: Target) => boolean,
    what: string,
  ): void => {
    if (given === undefined || targets.some(appliesTo)) return;
    throw new ViolaError("USAGE", `${option} requires ${what}`, {
      subject: option,
      hint: `Omit ${option}, or add such a target with --to.`,
    });
  };
  const isRegistry = ({ kind }: Target): boolean => kind === "registry";
  refuse("--settings", settings, isRegistry, "a registry target");
  refuse("--docker-mirror", dockerMirror, isRegistry, "a registry target");
  refuse(
    "--unpack",
    unpack,
    (target) => !isRegistry(target) && !isStore(target),
    `nodes as target (${NODE_TARGETS})`,
  );
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
