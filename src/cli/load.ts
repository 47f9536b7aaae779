// `load BUNDLE --to TARGET…`: loads every image into every target and verifies it. With
// `--install`, also installs the releases.
import type { Command } from "commander";
import { requireValues } from "../core/bundle/bundled-values.js";
import { ViolaError } from "../errors.js";
import { chooseReleases, type InstallReport } from "../workflows/install/install.js";
import type { LoadReport } from "../workflows/load/nodes.js";
import { examples, keyOption, listOption } from "./command-line.js";
import type { CommonOptions, RunCommand } from "./runtime.js";
import { EXIT } from "./failure.js";
import { baseOption, openGiven, type BaseFlags } from "./opening.js";
import { addInstallFlags, type InstallFlags } from "./wiring/installing.js";
import { checkSettingsFolder } from "./output.js";
import { requireCharts, runInstall } from "./install.js";
import { isStore, NODE_TARGETS, parseTargets, requireInstallable, TARGETS, type Target } from "./target.js";
import { loadInto } from "./wiring/loading.js";
import { pushToRegistry, type PushFlags } from "./wiring/pushing.js";
import { formatInstall } from "./reporters/install.js";
import { formatLoad } from "./reporters/load.js";
import { formatPush, pushDocument, type PushOutcome } from "./reporters/push.js";

interface LoadFlags extends CommonOptions, InstallFlags, PushFlags, BaseFlags {
  readonly to: readonly string[];
  readonly install?: boolean;
  readonly unpack?: boolean;
}

export function registerLoad(program: Command, runCommand: RunCommand): void {
  addInstallFlags(
    program
      .command("load")
      .description("load every image of the bundle into nodes, a container engine or a registry")
      .addHelpText(
        "after",
        examples(
          "load app.bundle --to kind",
          "load app.bundle --to kind:shop --install --timeout 15m",
          "load app.bundle --to docker,podman",
          "load app.bundle --to registry://registry.lab:5000/mirror --settings nodes",
        ),
      )
      .argument("<bundle>", "bundle file; a differential bundle alone if the targets have the rest")
      .addOption(baseOption())
      .addOption(keyOption())
      .addOption(listOption("--to <target>", `target to load into: ${TARGETS}`))
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
      await checkSettingsFolder(flags.settings, runtime);
      const bundle = await openGiven(file, flags, runtime);
      if (isInstalling) {
        const releases = chooseReleases(bundle.inventory, flags.release);
        requireValues(releases, flags.values);
        requireCharts(bundle, releases);
      }
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
      runtime.print({ loaded, pushed, ...(install && { install }) }, formatReport, {
        formatVersion: 1,
        bundle: `${name} ${version}`,
        nodes: loaded.flatMap(({ nodes }) => nodes),
        ...(pushed.length > 0 && { registries: pushed.map(pushDocument) }),
        ...(install !== undefined && { install }),
      });
      const isWell =
        pushed.every(({ report }) => report.unresolved.length === 0) &&
        (install?.outcome ?? "installed") === "installed";
      return isWell ? EXIT.done : EXIT.negative;
    });
  });
}

interface Report {
  readonly loaded: readonly LoadReport[];
  readonly pushed: readonly PushOutcome[];
  readonly install?: InstallReport;
}

function formatReport({ loaded, pushed, install }: Report, width: number | undefined): string {
  return [
    ...(loaded.length > 0 ? [formatLoad(loaded, width)] : []),
    ...pushed.map(formatPush),
    ...(install === undefined ? [] : [formatInstall(install)]),
  ].join("\n\n");
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
