// Rehearses a bundle: installs it on a cluster whose nodes pull images only from the bundle, and
// reports the images that were not found.
import { countOf } from "../../core/count-of.js";
import { identityOf } from "../../core/bundle/base.js";
import type { InventoryRelease } from "../../core/bundle/inventory.js";
import type { RenderedObject } from "../../core/charts/rendered-object.js";
import type { NodeTarget } from "../../core/load/node.js";
import type { ManifestRequest, ServeBundle, UpstreamRegistry } from "../../core/bundle/bundle-server.js";
import { findImages } from "../../core/finding/find-images.js";
import { textOf, valueAt } from "../../core/json.js";
import type { Digest } from "../../core/oci/digest.js";
import type { Cluster } from "../../core/install/cluster.js";
import type { Machine } from "../../core/kubernetes/match-nodes.js";
import type { PendingThing } from "../../core/kubernetes/pod-states.js";
import {
  collectPullRequests,
  type PulledName,
  type PullRequests,
} from "../../core/rehearsal/pull-requests.js";
import { rehearsableOf, type Rehearsable, type RehearsedRelease } from "../../core/rehearsal/record.js";
import { judgeRehearsal, operatorMakers, type Verdict } from "../../core/rehearsal/verdict.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { extractReleases } from "../install/extract-releases.js";
import { findAllNodes } from "../install/image-presence.js";
import type { ExtractedBundle, InstallPorts } from "../install/types.js";
import { withSoleMirror, type MirrorNode } from "./sole-mirror.js";
import { explainPods } from "../install/wait-for-pods.js";
import { collectObservations, observeRehearsal, type ObservationLog } from "./observe.js";
import type { ObjectName, RehearsalCluster } from "../../core/rehearsal/cluster-snapshot.js";
import { renderReleases } from "../install/render-releases.js";

export interface RehearsePorts extends Omit<InstallPorts, "cluster"> {
  readonly cluster: RehearsalCluster;
  readonly serveBundle: ServeBundle;
  /**
   * Registries that provide images missing from the bundle, so that one rehearsal finds all of
   * them. If absent, requests for missing images are refused.
   */
  readonly upstream?: (
    onRefused: (name: string, why: string) => void,
    signal: AbortSignal,
  ) => UpstreamRegistry;
}

export interface RehearseOptions {
  readonly target: NodeTarget<MirrorNode & Machine>;
  /** Absolute paths of the user's values files, which override those of the bundle. */
  readonly valuesFiles: readonly string[];
  readonly set: readonly string[];
  /** Time limit of each release. */
  readonly timeoutSeconds: number;
  /** True to run the tests of the charts. */
  readonly runsTests: boolean;
}

export interface RehearsalReport extends Verdict {
  readonly bundle: string;
  readonly bundleDigest: Digest;
  /** Digest of the text of the spec that the bundle was built from. */
  readonly spec: Digest;
  readonly context: string;
  readonly kubeVersion: string;
  /** Versions of containerd on the nodes, sorted. */
  readonly containerd: readonly string[];
  /**
   * `missing`: the bundle lacks an image. `not-ready`: the bundle is complete, but something did
   * not start for another reason.
   */
  readonly outcome: "complete" | "missing" | "not-ready";
  readonly releases: readonly RehearsedRelease[];
  /** What could not be removed or restored, and why. */
  readonly stayed: readonly string[];
}

/** Time limit of restoring the cluster, which also runs after an interruption. */
const RESTORE_MS = 5 * 60_000;

/**
 * Installs every release, in order, and watches it; see `observeRehearsal` for when watching ends.
 * Nodes, releases, namespaces and definitions are always restored to their previous state.
 * Throws `INSTALL_FAILED` if a release already exists, `NODE_LOAD_FAILED` if a node cannot use the
 * mirror, and the errors of installing.
 */
export async function rehearseBundle(
  run: Run,
  bundle: OpenBundle,
  options: RehearseOptions,
  ports: RehearsePorts,
): Promise<RehearsalReport> {
  const { inventory } = bundle;
  const { signal, progress } = run;
  const { cluster, serveBundle } = ports;
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
    "the cluster cannot be used for this rehearsal",
    releases.map((release) => refuseOccupied(run, release, ports)),
  );
  const extracted = {
    inventory,
    facts,
    releases: await extractReleases(bundle, releases, options, ports),
  };
  const rendered = await renderReleases(run, extracted, options, ports);
  const objects = rendered.flatMap((one) => one.objects);
  const given = {
    files: await Promise.all(options.valuesFiles.map((file) => ports.files.readFile(file))),
    set: options.set,
  };
  const rehearsable = rehearsableOf(inventory, facts.version, given);
  const snapshot = await cluster.snapshot(
    releases.map(({ namespace }) => namespace),
    signal,
  );

  const requests = collectPullRequests(inventory);
  const observations = collectObservations();
  const refused = new Map<string, string>();
  const upstream = ports.upstream?.((name, why) => refused.set(name, why), signal);
  const onManifest = (request: ManifestRequest): void => {
    const { length } = requests.list();
    requests.add(request);
    const added = requests.list()[length];
    if (added?.isInBundle === false) progress({ kind: "note", message: describeMiss(added, ports) });
  };
  const install = async (): Promise<InstalledReleases & Pick<RehearsalReport, "stayed">> => {
    const rehearsal = { extracted, rehearsable, objects, requests, observations };
    const [outcome] = await Promise.allSettled([installAll(run, rehearsal, options, ports)]);
    const restoreRest = (): Promise<readonly string[]> => {
      const { workloads } = observations.list();
      const changes = { objects: objectsLeft(objects, releases), makers: operatorMakers(workloads) };
      return cluster.restore(snapshot, changes, cleanUpSignal());
    };
    const stayed = await restoreCluster(run, releases, restoreRest, ports);
    if (outcome.status === "rejected") throw outcome.reason;
    return { ...outcome.value, stayed };
  };
  const installed = await withSoleMirror(run, { bundle, nodes, onManifest }, install, {
    serveBundle,
    ...(upstream !== undefined && { upstream }),
  });
  const verdict = judgeRehearsal(inventory, {
    ...observations.list(),
    asked: requests.list(),
    pending: installed.pending,
    refused,
  });
  const isWell =
    verdict.pending.length === 0 && installed.releases.every(({ message }) => message === undefined);
  return {
    bundle: `${inventory.name} ${inventory.version}`,
    bundleDigest: identityOf(bundle).digest,
    spec: inventory.createdFrom.spec,
    context: cluster.context,
    kubeVersion: facts.version,
    containerd: await containerdVersions(cluster, signal),
    outcome: verdict.missing.length > 0 ? "missing" : isWell ? "complete" : "not-ready",
    releases: installed.releases,
    ...verdict,
    stayed: installed.stayed,
  };
}

async function containerdVersions(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
  const nodes = await cluster.nodes(signal);
  const runtimes = nodes.map(
    (node) => textOf(valueAt(node, "status.nodeInfo.containerRuntimeVersion")) ?? "",
  );
  return [...new Set(runtimes.map((runtime) => runtime.replace(/^containerd:\/\//, "")))].sort();
}

function cleanUpSignal(): AbortSignal {
  return AbortSignal.timeout(RESTORE_MS);
}

/**
 * Refuses an existing release, because a rehearsal would upgrade it and uninstall it afterwards.
 */
async function refuseOccupied(
  { signal }: Run,
  { name, namespace }: InventoryRelease,
  { cluster, releases }: RehearsePorts,
): Promise<void> {
  const [state, phase] = await Promise.all([
    releases.releaseState({ name, namespace }, signal),
    cluster.namespacePhase(namespace, signal),
  ]);
  if (state !== undefined) {
    throw new ViolaError("INSTALL_FAILED", `release ${name} already exists in namespace ${namespace}`, {
      subject: name,
      hint: `Rehearse on another cluster, or uninstall it first: helm uninstall ${name} --namespace ${namespace}`,
    });
  }
  if (phase === "Terminating") {
    throw new ViolaError("INSTALL_FAILED", `namespace ${namespace} is being deleted`, {
      subject: namespace,
      hint: `Wait for the deletion: kubectl wait --for=delete namespace/${namespace}`,
    });
  }
}

function describeMiss({ name, nodes }: PulledName, { upstream }: RehearsePorts): string {
  const how = upstream === undefined ? "refused" : "pulled from its registry";
  return `not in the bundle, ${how}: ${name} (requested by ${[...nodes].join(", ")})`;
}

interface InstalledReleases {
  readonly releases: readonly RehearsedRelease[];
  readonly pending: readonly PendingThing[];
}

/** What a rehearsal installs, and what it collects. */
interface PreparedRehearsal {
  readonly extracted: ExtractedBundle;
  readonly rehearsable: Rehearsable;
  /** All rendered objects of the releases. */
  readonly objects: readonly RenderedObject[];
  readonly requests: PullRequests;
  readonly observations: ObservationLog;
}

/**
 * Installs one release after another. A failure does not stop the next release from being observed.
 */
async function installAll(
  run: Run,
  { extracted, rehearsable, objects, requests, observations }: PreparedRehearsal,
  { set, timeoutSeconds, runsTests }: RehearseOptions,
  ports: RehearsePorts,
): Promise<InstalledReleases> {
  const { cluster, releases } = ports;
  const { images } = findImages(
    objects.filter(({ hooks }) => hooks.length === 0),
    { operators: await ports.loadOperators() },
  );
  const reports: RehearsedRelease[] = [];
  const pending: PendingThing[] = [];
  for (const [index, { release, chartFile, valuesFiles }] of extracted.releases.entries()) {
    const identity = rehearsable.releases[index];
    if (identity === undefined) continue;
    const { name, namespace } = release;
    const step = `rehearse:${namespace}/${name}`;
    run.progress({ kind: "started", step, title: `Rehearsing ${name}` });
    const input = {
      release: name,
      namespace,
      chartFile,
      valuesFiles,
      set,
      // The bundle is the registry, so every pull policy works, and the pulls should be observed.
      isPatched: false,
      isFirst: true,
      timeoutSeconds,
    };
    const watch = {
      namespace,
      step,
      timeoutSeconds,
      pulled: () => requests.list(),
      observations,
      expectedImages: images.filter(({ required }) => required).map(({ normalized }) => normalized),
      mayStartMore: extracted.inventory.warnings.some(({ incomplete }) => incomplete),
    };
    const work = async (whileUseful: AbortSignal): Promise<void> => {
      await releases.install(input, whileUseful);
      if (runsTests) await releases.test(release, { timeoutSeconds }, whileUseful);
    };
    const watched = await observeRehearsal(run, work, watch, cluster);
    const states = await explainPods(run, namespace, cluster);
    pending.push(...states.pending);
    reports.push({
      ...identity,
      ready: states.ready,
      pods: states.pods,
      ...(watched.failure !== undefined && { message: watched.failure }),
    });
    run.progress({
      kind: "ended",
      step,
      summary: `${states.ready} of ${states.pods} Pods Running and Ready, ${countOf(requests.list().length, "image")} pulled`,
    });
  }
  return { releases: reports, pending };
}

/** Uninstalls the releases in reverse order and removes their leftovers. Returns what remains. */
async function restoreCluster(
  { progress }: Run,
  releases: readonly InventoryRelease[],
  restoreRest: () => Promise<readonly string[]>,
  ports: Pick<RehearsePorts, "releases">,
): Promise<readonly string[]> {
  const step = "restore";
  progress({ kind: "started", step, title: "Restoring the cluster" });
  const stayed: string[] = [];
  for (const release of releases.toReversed()) {
    try {
      // An interrupted helm process may still be recording the state of the release.
      if ((await ports.releases.releaseState(release, cleanUpSignal())) === undefined) continue;
      await ports.releases.uninstall(release, cleanUpSignal());
    } catch (error) {
      if (!(error instanceof ViolaError)) throw error;
      stayed.push(`release ${release.name}: ${error.message}`);
    }
  }
  stayed.push(...(await restoreRest()));
  progress({
    kind: "ended",
    step,
    summary: stayed.length === 0 ? "done" : `${countOf(stayed.length, "item")} could not be restored`,
  });
  return stayed;
}

/** Lists what `helm uninstall` leaves: objects of hooks, and custom resource definitions. */
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
