// Creates the temporary bundle and the cluster of a rehearsal.
import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { localFiles } from "../../adapters/files/local-files.js";
import { kindConfig } from "../../core/rehearsal/kind-cluster.js";
import { ViolaError } from "../../errors.js";
import { buildBundle } from "../../workflows/build/build.js";
import type { OpenBundle } from "../../workflows/ports.js";
import type { RehearseOptions, RehearsePorts } from "../../workflows/rehearse/rehearse.js";
import type { SpecFile } from "../input-file.js";
import type { CommandRuntime } from "../runtime.js";
import { findTargetNodes, parseTarget, type NodesTarget } from "../target.js";
import { findContextOf } from "./install-target.js";
import { makeInstallPorts, type ClusterFlags } from "./installing.js";
import {
  blobCache,
  environmentOf,
  makeInspectPorts,
  makePlanPorts,
  makeWriter,
  planOptions,
} from "./planning.js";

/** Builds a temporary bundle for the rehearsal, which is removed when the command ends. */
export async function buildForRehearsal(
  read: SpecFile,
  { runsTests }: Pick<RehearseOptions, "runsTests">,
  runtime: CommandRuntime,
): Promise<OpenBundle> {
  const { spec } = read;
  const options = {
    ...(await planOptions(read, { platforms: [], home: runtime.home })),
    output: join(await runtime.temporaryFolder(), "rehearsal.bundle"),
    reuse: [],
    inspect: () => makeInspectPorts("auto", runtime),
  };
  const plan = await makePlanPorts("auto", runtime);
  const build = {
    ...plan,
    reader: runtime.blobReader,
    writer: await makeWriter(runtime),
    cache: await blobCache(runtime),
  };
  const wanted = { ...spec, includeTests: spec.includeTests || runsTests };
  await buildBundle(runtime.run, wanted, options, build);
  return runtime.blobReader.openBundle(options.output);
}

type KindTarget = Extract<NodesTarget, { readonly kind: "kind" }>;

/** The cluster of a rehearsal, and the adapters that work with it. */
interface PreparedCluster {
  readonly target: RehearseOptions["target"];
  readonly ports: RehearsePorts;
}

/** Options that choose the cluster of a rehearsal. */
export interface RehearsalClusterFlags extends ClusterFlags {
  readonly to?: string;
  readonly kindConfig?: string;
}

/**
 * What a node receives when it requests an image that is not in the bundle: an error, or the image
 * from its registry.
 */
export type OnMissing = "refuse" | "fetch";

/**
 * Returns the cluster of `--to`. Without `--to`, returns undefined after checking that kind can
 * create one. Errors are reported before anything is built.
 */
export async function findNamedCluster(
  flags: RehearsalClusterFlags,
  onMissing: OnMissing,
  runtime: CommandRuntime,
): Promise<PreparedCluster | undefined> {
  if (flags.to === undefined) {
    const { requireKind } = await import("../../adapters/nodes/kind-create.js");
    await requireKind(environmentOf(runtime), runtime);
    return undefined;
  }
  const target = parseTarget(flags.to);
  if (target.kind === "kind") return prepareCluster(target, flags, onMissing, runtime);
  throw new ViolaError("USAGE", `a rehearsal requires a Kind cluster, not ${target.kind}`, {
    subject: flags.to,
    hint: "Use --to kind[:CLUSTER].",
  });
}

/** Creates a cluster, which is deleted when the command ends. */
export async function createCluster(
  { kindConfig: configFile }: RehearsalClusterFlags,
  { inventory }: OpenBundle,
  onMissing: OnMissing,
  runtime: CommandRuntime,
): Promise<PreparedCluster> {
  const { progress } = runtime.run;
  const cluster = `viola-rehearsal-${randomBytes(3).toString("hex")}`;
  const folder = await runtime.temporaryFolder();
  const [config, kubeconfig] = [join(folder, "kind.yaml"), join(folder, "kubeconfig")];
  const userConfig =
    configFile === undefined ? undefined : await localFiles.readFile(resolve(runtime.cwd, configFile));
  await localFiles.writeFile(
    config,
    kindConfig(cluster, inventory.kubeVersion, userConfig && Buffer.from(userConfig).toString("utf8")),
  );
  progress({ kind: "started", step: "cluster", title: `Creating Kind cluster ${cluster}` });
  const { createKindCluster } = await import("../../adapters/nodes/kind-create.js");
  const input = { name: cluster, config, kubeconfig };
  runtime.onDispose(await createKindCluster(input, environmentOf(runtime), runtime));
  progress({ kind: "ended", step: "cluster", summary: "deleted after the rehearsal" });
  return prepareCluster({ kind: "kind", cluster }, { kubeconfig }, onMissing, runtime);
}

/** Creates the adapters for a rehearsal on this cluster. */
async function prepareCluster(
  target: KindTarget,
  flags: ClusterFlags,
  onMissing: OnMissing,
  runtime: CommandRuntime,
): Promise<PreparedCluster> {
  const [nodes, install, { serveBundle }, { upstreamRegistry }] = await Promise.all([
    findTargetNodes(target, runtime),
    makeInstallPorts(flags, await findContextOf(target, runtime), runtime),
    import("../../adapters/bundle-registry/server.js"),
    import("../../adapters/bundle-registry/upstream.js"),
  ]);
  const registry = onMissing === "refuse" ? undefined : await runtime.registry();
  const ports: RehearsePorts = {
    ...install,
    serveBundle,
    ...(registry !== undefined && {
      upstream: (onRefused, signal) => upstreamRegistry(registry, onRefused, signal),
    }),
  };
  return { target: nodes, ports };
}
