// `load BUNDLE --to TARGET…`: every image into every node, checked there, and with `--install` the releases after them.
import { resolve } from "node:path";
import type { Command } from "commander";
import { ViolaError } from "../errors.js";
import type { LoadReport } from "../workflows/load/nodes.js";
import { collect, type CommonOptions, type RunCommand } from "./runtime.js";
import { EXIT } from "./failure.js";
import { addInstallFlags, type InstallFlags } from "./wiring/installing.js";
import { runInstall } from "./install.js";
import { isStore, NODE_TARGETS, parseTargets, requireInstallable, TARGETS, type Target } from "./target.js";
import { loadInto } from "./wiring/loading.js";
import { pushToRegistry, type PushFlags } from "./wiring/pushing.js";
import { formatInstall } from "./reporters/install.js";
import { formatLoad } from "./reporters/load.js";
import { formatPush, pushDocument, type PushOutcome } from "./reporters/push.js";

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
      const pushed: PushOutcome[] = [];
      const choices = { unpack: flags.unpack === true, mustRun: isInstalling };
      for (const target of targets) {
        if (target.kind === "registry") pushed.push(await pushToRegistry(bundle, target, flags, runtime));
        else loaded.push(await loadInto(bundle, target, choices, runtime));
      }
      const install = isInstalling ? await runInstall(bundle, flags, installTarget, runtime) : undefined;
      await runtime.stopProgress();
      const { name, version } = bundle.inventory;
      runtime.print(
        [
          ...(loaded.length > 0 ? [formatLoad(loaded)] : []),
          ...pushed.map(formatPush),
          ...(install === undefined ? [] : [formatInstall(install)]),
        ].join("\n\n"),
        {
          formatVersion: 1,
          bundle: `${name} ${version}`,
          nodes: loaded.flatMap(({ nodes }) => nodes),
          ...(pushed.length > 0 && { registries: pushed.map(pushDocument) }),
          ...(install !== undefined && { install }),
        },
      );
      const isWell =
        pushed.every(({ report }) => report.unresolved.length === 0) &&
        (install?.outcome ?? "installed") === "installed";
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
