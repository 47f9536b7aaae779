// Rehearses a bundle: installs it on a cluster whose nodes get images from the bundle alone, and says what they asked for and did not find.
import type { Inventory, InventoryRelease } from "../../core/bundle/inventory.js";
import type { RenderedObject } from "../../core/charts/rendered-object.js";
import type { NodeTarget } from "../../core/load/node.js";
import type { UpstreamRegistry, ServeBundle } from "../../core/bundle/bundle-server.js";
import { findImages } from "../../core/finding/find-images.js";
import { textOf, valueAt } from "../../core/json.js";
import type { Digest } from "../../core/oci/digest.js";
import type { Cluster } from "../../core/install/cluster.js";
import type { PendingThing, PodStates } from "../../core/kubernetes/pod-states.js";
import { collectPullRequests, type PulledName } from "../../core/rehearsal/pull-requests.js";
import { rehearsableOf, type Rehearsable, type RehearsedRelease } from "../../core/rehearsal/record.js";
import { judgeRehearsal, operatorMakers, type Verdict } from "../../core/rehearsal/verdict.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { OnProgress } from "../progress.js";
import { extractRelease } from "../install/extract-releases.js";
import { findAllNodes } from "../install/image-presence.js";
import type { InstallPorts, ExtractedRelease } from "../install/types.js";
import { withSoleMirror } from "./sole-mirror.js";
import { explainPods } from "../install/wait-for-pods.js";
import { observeRehearsal, type Observations } from "./observe.js";
import type { ObjectName, RehearsalCluster } from "../../core/rehearsal/cluster-snapshot.js";
import { renderReleases } from "../install/render-releases.js";

export interface RehearsePorts extends Omit<InstallPorts, "cluster"> {
  readonly cluster: RehearsalCluster;
  readonly serveBundle: ServeBundle;
  /** Registries that give what the bundle lacks, so that one rehearsal finds everything; absent where what is missing is to be refused. */
  readonly upstream?: (
    onRefused: (name: string, why: string) => void,
    signal: AbortSignal,
  ) => UpstreamRegistry;
}

export interface RehearseOptions {
  readonly target: NodeTarget;
  /** The user's values files, absolute; they win over those of the bundle. */
  readonly valuesFiles: readonly string[];
  readonly set: readonly string[];
  /** How long each release may take. */
  readonly timeoutSeconds: number;
  /** True to run the charts' tests, too. */
  readonly runsTests: boolean;
}

export interface RehearsalReport extends Verdict {
  readonly bundle: string;
  readonly bundleDigest: Digest;
  /** Digest of the text of the spec that the bundle was built from. */
  readonly spec: Digest;
  readonly context: string;
  readonly kubeVersion: string;
  /** Versions of containerd on the nodes. */
  readonly containerd: readonly string[];
  /** `missing`: the bundle lacks an image; `not-ready`: it lacks none, and something did not come up for another reason. */
  readonly outcome: "complete" | "missing" | "not-ready";
  readonly releases: readonly RehearsedRelease[];
  /** What could not be put back, and why. */
  readonly stayed: readonly string[];
}

/** Putting back goes on after an interruption, but not for ever. */
const PUT_BACK_MS = 5 * 60_000;

/**
 * Installs every release, in order, and watches until its Pods run and nothing new is asked for, until nothing but missing images is in the way, or
 * until the time is over. Nodes, releases, namespaces and definitions are put back as they were, whatever happens.
 * Throws `INSTALL_FAILED` for a release that is there already, `NODE_LOAD_FAILED` for a node that cannot be given a mirror, and what installing
 * throws.
 */
export async function rehearseBundle(
  bundle: OpenBundle,
  options: RehearseOptions,
  ports: RehearsePorts,
  onProgress: OnProgress,
): Promise<RehearsalReport> {
  const { inventory } = bundle;
  const { cluster, signal } = ports;
  const { releases } = inventory;
  if (releases.length === 0) {
    throw new ViolaError("USAGE", `bundle ${inventory.name} has no release to rehearse`, {
      subject: inventory.name,
      hint: "Add charts to the spec.",
    });
  }
  const facts = await cluster.describe(signal);
  const nodes = await findAllNodes(options.target, cluster, signal);
  await settleAll(
    "the cluster is in use",
    releases.map((release) => refuseOccupied(release, ports)),
  );
  const extracted = await Promise.all(
    releases.map((release, index) => extractRelease(bundle, release, index, options, ports)),
  );
  const rendered = await renderReleases(inventory, extracted, facts, options, ports);
  const objects = rendered.flatMap((one) => one.objects);
  const given = {
    files: await Promise.all(options.valuesFiles.map((file) => ports.files.readFile(file))),
    set: options.set,
  };
  const rehearsable = rehearsableOf(inventory, facts.version, given);
  const memory = await cluster.remember(
    releases.map(({ namespace }) => namespace),
    signal,
  );

  const asked = collectPullRequests(inventory);
  const observations: Observations = { pods: [], workloads: [] };
  const refused = new Map<string, string>();
  let stayed: readonly string[] = [];
  const upstream = ports.upstream?.((name, why) => refused.set(name, why), signal);
  const played = await withSoleMirror(
    bundle,
    nodes,
    { serveBundle: ports.serveBundle, signal, ...(upstream !== undefined && { upstream }) },
    (request) => {
      const { length } = asked.list();
      asked.add(request);
      const added = asked.list()[length];
      if (added?.isInBundle === false) onProgress({ kind: "note", message: describeMiss(added, ports) });
    },
    async () => {
      try {
        return await installAll(
          inventory,
          extracted,
          rehearsable,
          objects,
          () => asked.list(),
          observations,
          options,
          ports,
          onProgress,
        );
      } finally {
        stayed = await putBack(
          releases,
          () =>
            cluster.putBack(
              memory,
              objectsLeft(objects, releases),
              operatorMakers(observations.workloads),
              after(),
            ),
          ports,
          onProgress,
        );
      }
    },
    onProgress,
  );
  const verdict = judgeRehearsal(inventory, {
    ...observations,
    asked: asked.list(),
    pending: played.pending,
    refused,
  });
  const isWell =
    verdict.pending.length === 0 && played.releases.every(({ message }) => message === undefined);
  return {
    bundle: `${inventory.name} ${inventory.version}`,
    bundleDigest: bundle.digest,
    spec: inventory.createdFrom.spec,
    context: cluster.context,
    kubeVersion: facts.version,
    containerd: await containerdVersions(cluster, signal),
    outcome: verdict.missing.length > 0 ? "missing" : isWell ? "complete" : "not-ready",
    releases: played.releases,
    ...verdict,
    stayed,
  };
}

async function containerdVersions(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
  const nodes = await cluster.nodes(signal);
  const runtimes = nodes.map(
    (node) => textOf(valueAt(node, "status.nodeInfo.containerRuntimeVersion")) ?? "",
  );
  return [...new Set(runtimes.map((runtime) => runtime.replace(/^containerd:\/\//, "")))].sort();
}

function after(): AbortSignal {
  return AbortSignal.timeout(PUT_BACK_MS);
}

/** A release that is there is somebody's: a rehearsal would upgrade it, and take it away afterwards. */
async function refuseOccupied(
  { name, namespace }: InventoryRelease,
  { cluster, releases, signal }: RehearsePorts,
): Promise<void> {
  const [state, phase] = await Promise.all([
    releases.releaseState(name, namespace, signal),
    cluster.namespacePhase(namespace, signal),
  ]);
  if (state !== undefined) {
    throw new ViolaError("INSTALL_FAILED", `release ${name} is in namespace ${namespace} already`, {
      subject: name,
      hint: `Rehearse on another cluster, or take it away first: helm uninstall ${name} --namespace ${namespace}`,
    });
  }
  if (phase === "Terminating") {
    throw new ViolaError("INSTALL_FAILED", `namespace ${namespace} is being deleted`, {
      subject: namespace,
      hint: `Wait until it is gone: kubectl wait --for=delete namespace/${namespace}`,
    });
  }
}

function describeMiss({ name, nodes }: PulledName, { upstream }: RehearsePorts): string {
  const how = upstream === undefined ? "refused" : "let through";
  return `not in the bundle, ${how}: ${name} (asked for by ${[...nodes].join(", ")})`;
}

interface Played {
  readonly releases: readonly RehearsedRelease[];
  readonly pending: readonly PendingThing[];
}

/** Installs one release after another. One that fails does not keep the next from showing what it asks for. */
async function installAll(
  inventory: Inventory,
  extracted: readonly ExtractedRelease[],
  rehearsable: Rehearsable,
  objects: readonly RenderedObject[],
  asked: () => readonly PulledName[],
  observations: Observations,
  { set, timeoutSeconds, runsTests }: RehearseOptions,
  ports: RehearsePorts,
  onProgress: OnProgress,
): Promise<Played> {
  const { cluster, releases, signal } = ports;
  const { images } = findImages(
    objects.filter(({ hooks }) => hooks.length === 0),
    { operators: await ports.loadOperators() },
  );
  const reports: RehearsedRelease[] = [];
  const pending: PendingThing[] = [];
  for (const [index, { release, chartFile, valuesFiles }] of extracted.entries()) {
    const identity = rehearsable.releases[index];
    if (identity === undefined) continue;
    const { name, namespace } = release;
    const step = `rehearse:${namespace}/${name}`;
    onProgress({ kind: "started", step, title: `Rehearsing ${name}` });
    const input = {
      release: name,
      namespace,
      chartFile,
      valuesFiles,
      set,
      // With the bundle as registry a pull policy is no obstacle, and what it reaches for is to be seen.
      isPatched: false,
      isFirst: true,
      timeoutSeconds,
    };
    const watched = await observeRehearsal(
      async (whileUseful) => {
        await releases.install(input, whileUseful);
        if (runsTests) await releases.test(name, namespace, timeoutSeconds, whileUseful);
      },
      {
        namespace,
        step,
        timeoutSeconds,
        asked,
        expectedImages: images.filter(({ required }) => required).map(({ normalized }) => normalized),
        mayStartMore: inventory.warnings.some(({ incomplete }) => incomplete),
      },
      observations,
      cluster,
      onProgress,
      signal,
    );
    const states: PodStates = await explainPods(cluster, namespace, signal);
    pending.push(...states.pending);
    reports.push({
      ...identity,
      ready: states.ready,
      pods: states.pods,
      ...(watched.failure !== undefined && { message: watched.failure }),
    });
    onProgress({
      kind: "ended",
      step,
      summary: `${states.ready} of ${states.pods} Pods Running and Ready, ${asked().length} images asked for`,
    });
  }
  return { releases: reports, pending };
}

/** Takes releases away, the last one first, and what they leave. Returns what stayed. */
async function putBack(
  releases: readonly InventoryRelease[],
  putBackRest: () => Promise<readonly string[]>,
  ports: RehearsePorts,
  onProgress: OnProgress,
): Promise<readonly string[]> {
  const step = "put-back";
  onProgress({ kind: "started", step, title: "Putting the cluster back as it was" });
  const stayed: string[] = [];
  for (const { name, namespace } of releases.toReversed()) {
    try {
      // An interrupted helm may still be writing down that it was.
      if ((await ports.releases.releaseState(name, namespace, after())) === undefined) continue;
      await ports.releases.uninstall(name, namespace, after());
    } catch (error) {
      if (!(error instanceof ViolaError)) throw error;
      stayed.push(`release ${name}: ${error.message}`);
    }
  }
  stayed.push(...(await putBackRest()));
  onProgress({
    kind: "ended",
    step,
    summary: stayed.length === 0 ? "nothing is left" : `${stayed.length} things stayed`,
  });
  return stayed;
}

/** What `helm uninstall` leaves: objects of hooks, and definitions of custom resources. */
function objectsLeft(
  objects: readonly RenderedObject[],
  releases: readonly InventoryRelease[],
): readonly ObjectName[] {
  const namespaces = new Map(releases.map(({ name, namespace }) => [name, namespace]));
  return objects
    .filter(({ kind, hooks }) => hooks.length > 0 || kind === "CustomResourceDefinition")
    .map(({ apiVersion, kind, name, namespace, release }) => ({
      apiVersion,
      kind,
      name,
      namespace: namespace ?? namespaces.get(release) ?? "default",
    }));
}
