// Resolves `--to` of an installation: the kubeconfig context, and where images are looked up.
import { homeFolder } from "../../adapters/files/user-folders.js";
import type { NodeTarget } from "../../core/load/node.js";
import type { DockerEngine } from "../../adapters/docker/engine.js";
import { ViolaError } from "../../errors.js";
import type { ImagePlaces } from "../../workflows/install/types.js";
import type { CommandRuntime } from "../runtime.js";
import { findTargetNodes, type InstallTarget } from "../target.js";

/** Errors that mean that this machine does not run the Kind cluster. */
const NOT_HERE: ReadonlySet<string> = new Set(["CLUSTER_NOT_FOUND", "DOCKER_UNAVAILABLE"]);

/**
 * Returns the context that Kind writes for the cluster of the target, which is named or the only
 * one. Returns undefined for other targets.
 */
export async function findContextOf(
  target: InstallTarget | undefined,
  runtime: {
    readonly docker: () => Promise<Pick<DockerEngine, "listContainers">>;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  if (target?.kind !== "kind") return undefined;
  const { findKindCluster } = await import("../../adapters/nodes/kind.js");
  return `kind-${target.cluster ?? (await findKindCluster(await runtime.docker(), undefined, runtime.signal))}`;
}

/**
 * Returns where images are looked up. Without a target, these are the nodes of the Kind cluster of
 * the context if it runs on this machine.
 */
export async function findImagePlaces(
  target: InstallTarget | undefined,
  contextName: string,
  runtime: CommandRuntime,
): Promise<ImagePlaces> {
  if (target === undefined) return { target: await findNodesOfContext(contextName, runtime) };
  if (target.kind !== "registry") return { target: await findTargetNodes(target, runtime) };
  const [settings, { openImageRegistry }] = await Promise.all([
    runtime.settings(),
    import("../../adapters/registry/image-registry.js"),
  ]);
  const registry = openImageRegistry(target, {
    settings,
    env: runtime.env,
    home: homeFolder(),
    onActivity: runtime.onActivity,
  });
  runtime.onDispose(() => registry.close());
  return { registry };
}

async function findNodesOfContext(name: string, runtime: CommandRuntime): Promise<NodeTarget | undefined> {
  const cluster = /^kind-(.+)$/.exec(name)?.[1];
  if (cluster === undefined) return undefined;
  const target = await findTargetNodes({ kind: "kind", cluster }, runtime);
  const isHere = await target.findNodes(runtime.signal).then(
    () => true,
    (error: unknown) => {
      if (error instanceof ViolaError && NOT_HERE.has(error.code)) return false;
      throw error;
    },
  );
  return isHere ? target : undefined;
}
