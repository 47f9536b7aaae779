// Creates the adapters of installing: kubectl for the cluster, and helm for the releases.
import { resolve } from "node:path";
import type { Command } from "commander";
import { ViolaError } from "../../errors.js";
import type { ImagePlaces, InstallPorts, InstallOptions } from "../../workflows/install/types.js";
import { listOption } from "../command-line.js";
import { collect, type CommandRuntime } from "../runtime.js";
import { findValuesFiles } from "../input-file.js";
import { environmentOf, findHelmProgram, makeChartPorts, programFolder } from "./planning.js";
import type { Kubectl } from "../../adapters/kube/kubectl.js";

/** Flags that select a cluster. */
export interface ClusterFlags {
  readonly context?: string;
  readonly kubeconfig?: string;
}

/** Flags of an installation. */
export interface InstallFlags extends ClusterFlags {
  readonly release?: string;
  readonly values: readonly string[];
  readonly set: readonly string[];
  readonly allowMissing: readonly string[];
  readonly timeout: string;
  readonly patch: boolean;
  readonly wait: boolean;
}

/** Adds the flags to a command. */
export function addInstallFlags(command: Command): Command {
  return addClusterFlags(command)
    .option("--release <name>", "install only this release")
    .addOption(listOption("-f, --values <file>", "values file that overrides those of the bundle"))
    .option("--set <key=value>", "value that overrides values files; may be repeated", collect, [])
    .addOption(listOption("--allow-missing <image>", "install even if this image is missing"))
    .option("--timeout <time>", "time limit of the hooks, and then of the Pods: 90s, 10m, 1h", "10m")
    .option("--no-patch", "refuse pull policies that need a registry instead of patching them")
    .option("--no-wait", "do not wait until every Pod runs");
}

export function addClusterFlags(command: Command): Command {
  return command
    .option(
      "--context <name>",
      "context of the kubeconfig (default: the context of the target, or the current context)",
    )
    .option("--kubeconfig <file>", "kubeconfig file (default: KUBECONFIG, or ~/.kube/config)");
}

/** Converts the flags to options. Throws `USAGE`, or `FILE_UNUSABLE` for missing values files. */
export async function readInstallFlags(
  flags: InstallFlags,
  places: ImagePlaces,
  { cwd }: CommandRuntime,
): Promise<InstallOptions> {
  return {
    release: flags.release,
    valuesFiles: await findValuesFiles(flags.values, cwd),
    set: flags.set,
    ...places,
    allowedMissing: flags.allowMissing,
    timeoutSeconds: parseSeconds(flags.timeout),
    isPatching: flags.patch,
    isWaiting: flags.wait,
  };
}

/**
 * Creates the adapters of installing. `preferred` is the context to use if no flag selects one and
 * the kubeconfig contains it.
 */
export async function makeInstallPorts(
  flags: ClusterFlags,
  preferred: string | undefined,
  runtime: CommandRuntime,
): Promise<InstallPorts & { readonly cluster: Kubectl }> {
  const [helm, cluster, { HelmReleaseTool }, { charts, loadOperators, files, temporaryFolder }] =
    await Promise.all([
      findHelmProgram(runtime),
      connectCluster(flags, preferred, runtime),
      import("../../adapters/helm/install-release.js"),
      makeChartPorts(runtime),
    ]);
  const releases = new HelmReleaseTool({
    helm,
    cluster: { context: cluster.context, kubeconfig: kubeconfigOf(flags, runtime) },
    environment: environmentOf(runtime),
    postRenderCommand: [...runtime.programCommand, "post-render"],
    onActivity: runtime.onActivity,
  });
  return { charts, loadOperators, cluster, releases, files, temporaryFolder };
}

/** Finds kubectl and the selected cluster. Throws `KUBECTL_MISSING` or `CLUSTER_UNREACHABLE`. */
export async function connectCluster(
  flags: ClusterFlags,
  preferred: string | undefined,
  runtime: CommandRuntime,
): Promise<Kubectl> {
  const [{ findKubectl }, { Kubectl }] = await Promise.all([
    import("../../adapters/kube/find-kubectl.js"),
    import("../../adapters/kube/kubectl.js"),
  ]);
  const program = await findKubectl({ path: runtime.env["PATH"], cacheFolder: await programFolder(runtime) });
  const choice = { context: flags.context, kubeconfig: kubeconfigOf(flags, runtime) };
  return Kubectl.connect({ program, onActivity: runtime.onActivity }, choice, preferred, runtime.signal);
}

/** Returns the absolute path of `--kubeconfig`. */
export function kubeconfigOf({ kubeconfig }: ClusterFlags, { cwd }: CommandRuntime): string | undefined {
  return kubeconfig === undefined ? undefined : resolve(cwd, kubeconfig);
}

/** Parses `90s`, `10m`, `1h` or `1h30m`. Throws `USAGE`. */
export function parseSeconds(text: string): number {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text.trim());
  const [, hours = "0", minutes = "0", seconds = "0"] = match ?? [];
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  if (match === null || total === 0) {
    throw new ViolaError("USAGE", `"${text}" is not a duration`, {
      subject: text,
      hint: "Use for example 90s, 10m or 1h.",
    });
  }
  return total;
}
