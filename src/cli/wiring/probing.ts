// What `doctor` looks at: the parts of this machine that commands need, and targets.
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { countOf } from "../../core/count-of.js";
import type { NodeIdentity } from "../../core/load/node.js";
import { digestOf } from "../../core/oci/digest.js";
import { formatPlatform } from "../../core/oci/platform.js";
import { ViolaError } from "../../errors.js";
import type { Probe } from "../../workflows/doctor.js";
import { readVersion, type CommandRuntime } from "../runtime.js";
import {
  findK3sFolder,
  findStore,
  findTargetNodes,
  isStore,
  parseTarget,
  type RegistryTarget,
} from "../target.js";
import { formatBytes } from "../units.js";
import { connectCluster, type ClusterFlags } from "./installing.js";
import { findHelmProgram } from "./planning.js";
import { connectRegistry } from "./pushing.js";

/** Returns probes for the parts that commands need. */
export function probeParts(flags: ClusterFlags, runtime: CommandRuntime): readonly Probe[] {
  return [
    {
      name: "viola-airgap",
      neededFor: "everything",
      look: async () =>
        `${await readVersion(runtime.home)} on Node.js ${process.versions.node}, ${process.platform}/${process.arch}`,
    },
    {
      name: "settings",
      neededFor: "everything",
      look: async () => {
        const { mirrors, insecure } = await runtime.settings();
        return `readable: ${countOf(mirrors.size, "mirror")}, ${countOf(insecure.size, "insecure registry", "insecure registries")}`;
      },
    },
    {
      name: "disk",
      neededFor: "build",
      look: async () => {
        const [here, temporary] = await Promise.all([statfs(runtime.cwd), statfs(tmpdir())]);
        const free = ({ bavail, bsize }: typeof here): string => formatBytes(bavail * bsize);
        return `${free(here)} free in ${runtime.cwd}, ${free(temporary)} in ${tmpdir()}`;
      },
    },
    {
      name: "helm",
      neededFor: "images, build, audit of a spec; install",
      look: async () => {
        const { version, program } = await findHelmProgram(runtime);
        return `${version} (${program})`;
      },
    },
    {
      name: "cluster",
      neededFor: "install, check --context",
      look: async (signal) => {
        const cluster = await connectCluster(flags, undefined, runtime);
        const [{ version }, nodes] = await Promise.all([cluster.describe(signal), cluster.nodes(signal)]);
        return `context ${cluster.context}: Kubernetes ${version}, ${countOf(nodes.length, "node")}`;
      },
    },
    {
      name: "docker",
      neededFor: "--to kind, --to docker, --source docker",
      look: async (signal) => {
        const clusters = await kindClusters(runtime, signal);
        return clusters.length === 0
          ? "the engine responds; it has no Kind cluster"
          : `the engine responds; Kind clusters: ${clusters.join(", ")}`;
      },
    },
  ];
}

/** Returns probes for every Kind cluster of the engine, and for the runtimes of this machine. */
export async function probeLikelyTargets(runtime: CommandRuntime): Promise<readonly Probe[]> {
  const clusters = await kindClusters(runtime, runtime.signal).catch((cause: unknown) => {
    // Without an engine there is no cluster. The engine is reported separately.
    if (cause instanceof ViolaError) return [];
    throw cause;
  });
  const texts = [...clusters.map((cluster) => `kind:${cluster}`), "containerd", "k3s", "podman"];
  return texts.map((text) => probeTarget(text, runtime));
}

async function kindClusters(runtime: CommandRuntime, signal: AbortSignal): Promise<readonly string[]> {
  const { findKindClusters } = await import("../../adapters/nodes/kind.js");
  return findKindClusters(await runtime.docker(), signal);
}

/** Returns the probe for a target as written on the command line. Throws `USAGE`. */
export function probeTarget(text: string, runtime: CommandRuntime): Probe {
  const target = parseTarget(text);
  return {
    name: text,
    neededFor: `load --to ${text}`,
    look: async (signal) => {
      if (target.kind === "registry") return describeRegistry(target, runtime);
      if (isStore(target)) {
        const store = await findStore(target, runtime);
        return `images for ${formatPlatform(await store.platform(signal))}`;
      }
      if (target.kind === "k3s") {
        const { folder, isRunning } = await findK3sFolder(runtime);
        // Without k3s on the machine, nothing would import the images from the folder.
        if (!isRunning && existsSync(dirname(folder.path)))
          return `k3s is not running; load writes images to ${folder.path}, and k3s imports them when it starts`;
      }
      const nodes = await (await findTargetNodes(target, runtime)).findNodes(signal);
      if (nodes.length === 0)
        throw new ViolaError("CLUSTER_NOT_FOUND", "the target has no nodes", { subject: text });
      return describeNodes(nodes);
    },
  };
}

/**
 * Checks access by requesting a blob that does not exist. A client that may not pull cannot push
 * either.
 */
async function describeRegistry(target: RegistryTarget, runtime: CommandRuntime): Promise<string> {
  const registry = await connectRegistry(target, runtime);
  const repository = [target.prefix, "viola-airgap"].filter((part) => part !== "").join("/");
  await registry.hasBlob(repository, digestOf("doctor"), runtime.signal);
  return `${registry.origin} grants access; only a push can show whether it accepts images`;
}

function describeNodes(nodes: readonly NodeIdentity[]): string {
  const platforms = [...new Set(nodes.map(({ platform }) => formatPlatform(platform)))].join(", ");
  return `${countOf(nodes.length, "node")}, ${platforms}`;
}
