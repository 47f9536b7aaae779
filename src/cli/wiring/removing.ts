// Finds the cluster of a target, and creates the adapter that removes releases from it.
import { access } from "node:fs/promises";
import type { HelmReleaseTool } from "../../adapters/helm/install-release.js";
import type { Inventory } from "../../core/bundle/inventory.js";
import { ViolaError } from "../../errors.js";
import { requireUninstalled } from "../../workflows/uninstall/require-uninstalled.js";
import type { CommandRuntime } from "../runtime.js";
import type { Target } from "../target.js";
import { findContextOf } from "./install-target.js";
import { kubeconfigOf, type ClusterFlags } from "./installing.js";
import { environmentOf, findHelmProgram } from "./planning.js";

/** Where k3s writes the kubeconfig of its cluster. https://docs.k3s.io/cluster-access */
const K3S_KUBECONFIG = "/etc/rancher/k3s/k3s.yaml";

/**
 * Returns the flags that select the cluster of the target: the context of a Kind cluster, and the
 * kubeconfig of k3s. Flags of the user win. The current context is used only for other targets,
 * because removing something from another cluster than the target's would do harm.
 */
export async function clusterOf(
  target: Target | undefined,
  { context, kubeconfig }: ClusterFlags,
  runtime: CommandRuntime,
): Promise<ClusterFlags> {
  const given = {
    ...(context !== undefined && { context }),
    ...(kubeconfig !== undefined && { kubeconfig }),
  };
  if (context !== undefined) return given;
  if (target?.kind === "kind") {
    const found = await findContextOf(target, runtime);
    return { ...given, ...(found !== undefined && { context: found }) };
  }
  const isK3s = target?.kind === "k3s" && kubeconfig === undefined && (await exists(K3S_KUBECONFIG));
  return isK3s ? { kubeconfig: K3S_KUBECONFIG } : given;
}

/** Creates the adapter for the releases of a cluster. Throws `HELM_MISSING`. */
export async function makeReleaseTool(
  flags: ClusterFlags,
  runtime: CommandRuntime,
): Promise<HelmReleaseTool> {
  const [helm, { HelmReleaseTool }] = await Promise.all([
    findHelmProgram(runtime),
    import("../../adapters/helm/install-release.js"),
  ]);
  return new HelmReleaseTool({
    helm,
    cluster: { context: flags.context, kubeconfig: kubeconfigOf(flags, runtime) },
    environment: environmentOf(runtime),
    postRenderCommand: [],
    onActivity: runtime.onActivity,
  });
}

/**
 * Throws `RELEASE_INSTALLED` if a release of the bundle is installed in the cluster of the target,
 * and `CLUSTER_UNREACHABLE` if this is not known. Container engines have no cluster, and neither do
 * bundles without releases need one.
 */
export async function refuseInstalled(
  target: Target,
  inventory: Inventory,
  flags: ClusterFlags,
  runtime: CommandRuntime,
): Promise<void> {
  if (target.kind === "docker" || target.kind === "podman" || inventory.releases.length === 0) return;
  const chosen = await clusterOf(target, flags, runtime);
  try {
    await requireUninstalled(runtime.run, inventory, await makeReleaseTool(chosen, runtime));
  } catch (cause) {
    if (!(cause instanceof ViolaError) || cause.code === "RELEASE_INSTALLED") throw cause;
    throw new ViolaError(
      "CLUSTER_UNREACHABLE",
      `whether releases of the bundle are installed could not be checked: ${cause.message}`,
      {
        subject: chosen.context ?? target.kind,
        hint: "Select the cluster with --context or --kubeconfig, or use --force if none of them is installed.",
        cause,
      },
    );
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
