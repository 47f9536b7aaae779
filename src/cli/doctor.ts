// `doctor`: what this machine has, which targets would work, and what is missing.
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import type { Command } from "commander";
import type { NodeIdentity } from "../core/load/node.js";
import { digestOf } from "../core/oci/digest.js";
import { formatPlatform } from "../core/oci/platform.js";
import { ViolaError } from "../errors.js";
import { examine, type Finding, type Probe } from "../workflows/doctor.js";
import { readVersion, type CommandRuntime, type CommonOptions } from "./runtime.js";
import { EXIT } from "./failure.js";
import { addClusterFlags, connectCluster, type ClusterFlags } from "./wiring/installing.js";
import {
  findK3sFolder,
  findStore,
  findTargetNodes,
  isStore,
  parseTarget,
  TARGETS,
  type Target,
} from "./target.js";
import { findHelmProgram } from "./wiring/planning.js";
import { connectRegistry, type RegistryTarget } from "./push.js";
import { formatTable } from "./reporters/table.js";
import { formatBytes } from "./units.js";
import { collect, type RunCommand } from "./runtime.js";

interface DoctorFlags extends CommonOptions, ClusterFlags {
  readonly to: readonly string[];
}

/** Registers the command. Exit code 1 when a target named with `--to` would not work; a part that nobody asked for may be missing. */
export function registerDoctor(program: Command, runCommand: RunCommand): void {
  addClusterFlags(
    program
      .command("doctor")
      .description("say what this machine has, which targets would work, and what is missing")
      .option("--to <target>", `a target that must work: ${TARGETS}; may be repeated`, collect, []),
  ).action(async (flags: DoctorFlags) => {
    await runCommand(flags, async (runtime) => {
      const targets = flags.to.map((text) => targetProbe(text, parseTarget(text), runtime));
      const [parts, found] = await Promise.all([
        examine(partsOf(flags, runtime), runtime.signal),
        examine(targets.length > 0 ? targets : await likelyTargets(runtime), runtime.signal),
      ]);
      const findings = [...parts, ...found];
      await runtime.stopProgress();
      runtime.print(formatFindings(findings), { formatVersion: 1, findings });
      return targets.length > 0 && found.some(({ isThere }) => !isThere) ? EXIT.negative : EXIT.done;
    });
  });
}

function partsOf(flags: DoctorFlags, runtime: CommandRuntime): readonly Probe[] {
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
        return `readable: ${mirrors.size} mirrors, ${insecure.size} insecure registries`;
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
        return `context ${cluster.context}: Kubernetes ${version}, ${nodes.length} nodes`;
      },
    },
    {
      name: "docker",
      neededFor: "--to kind, --to docker, --source docker",
      look: async (signal) => {
        const clusters = await kindClusters(runtime, signal);
        return clusters.length === 0
          ? "an engine answers; no Kind cluster on it"
          : `an engine answers; Kind clusters: ${clusters.join(", ")}`;
      },
    },
  ];
}

/** Every Kind cluster of the engine, and what may run on this machine itself. */
async function likelyTargets(runtime: CommandRuntime): Promise<readonly Probe[]> {
  const clusters = await kindClusters(runtime, runtime.signal).catch((cause: unknown) => {
    // Without an engine there is no cluster either; the engine has a line of its own.
    if (cause instanceof ViolaError) return [];
    throw cause;
  });
  const texts = [...clusters.map((cluster) => `kind:${cluster}`), "containerd", "k3s", "podman"];
  return texts.map((text) => targetProbe(text, parseTarget(text), runtime));
}

async function kindClusters(runtime: CommandRuntime, signal: AbortSignal): Promise<readonly string[]> {
  const { findKindClusters } = await import("../adapters/nodes/kind.js");
  return findKindClusters(await runtime.docker(), signal);
}

function targetProbe(text: string, target: Target, runtime: CommandRuntime): Probe {
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
        // On a machine without k3s, load would put images where nobody takes them from.
        if (!isRunning && existsSync(dirname(folder.path)))
          return `it does not run; load puts images into ${folder.path}, for its start`;
      }
      const nodes = await (await findTargetNodes(target, runtime)).findNodes(signal);
      if (nodes.length === 0) throw new ViolaError("CLUSTER_NOT_FOUND", "it has no nodes", { subject: text });
      return describeNodes(nodes);
    },
  };
}

/** Asks for a blob that nobody has: who is denied that need not try to push. */
async function describeRegistry(target: RegistryTarget, runtime: CommandRuntime): Promise<string> {
  const registry = await connectRegistry(target, "", runtime);
  const repository = [target.prefix, "viola-airgap"].filter((part) => part !== "").join("/");
  await registry.hasBlob(repository, digestOf("doctor"), runtime.signal);
  return `${registry.origin} lets us in; whether it takes images, only a push shows`;
}

function describeNodes(nodes: readonly NodeIdentity[]): string {
  const platforms = [...new Set(nodes.map(({ platform }) => formatPlatform(platform)))].join(", ");
  return `${nodes.length === 1 ? "1 node" : `${nodes.length} nodes`}, ${platforms}`;
}

function formatFindings(findings: readonly Finding[]): string {
  const columns = [{ heading: "" }, { heading: "PART" }, { heading: "FOR" }, { heading: "WHAT" }];
  const table = formatTable(
    columns,
    findings.map(({ isThere, name, neededFor, detail }) => [isThere ? "✓" : "✗", name, neededFor, detail]),
  );
  const hints = findings.flatMap(({ name, hint }) => (hint === undefined ? [] : [`${name}: ${hint}`]));
  return hints.length === 0 ? table : `${table}\n\nwhat to do where you need it:\n  ${hints.join("\n  ")}`;
}
