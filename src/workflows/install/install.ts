// Installs the releases of a bundle: first a preflight that changes nothing, then one release after
// another. Waits for the Pods of each release.
import type { Inventory, InventoryRelease } from "../../core/bundle/inventory.js";
import type { ReleaseState } from "../../core/install/cluster.js";
import type { PendingThing, PodStates } from "../../core/kubernetes/pod-states.js";
import { settleAll, ViolaError } from "../../errors.js";
import { extractReleases } from "./extract-releases.js";
import type { OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { checkInstall, type Preflight } from "./preflight.js";
import type { InstallPorts, InstallOptions, ExtractedRelease, InstallBlocker } from "./types.js";
import { explainPods, showPodsDuring, waitForPods } from "./wait-for-pods.js";
import { compareRehearsal, type ComparedRehearsal } from "./compare-rehearsal.js";

export interface ReleaseReport {
  readonly name: string;
  readonly namespace: string;
  /** `NAME-VERSION` */
  readonly chart: string;
  readonly outcome: "installed" | "failed" | "not-ready" | "not-started";
  /** The error of Helm, if it failed. */
  readonly message?: string;
  /**
   * Pods of the namespace that are Running and Ready, and all Pods; absent if they were not
   * checked.
   */
  readonly ready?: number;
  readonly pods?: number;
  readonly pending: readonly PendingThing[];
}

export interface InstallReport {
  readonly bundle: string;
  readonly context: string;
  readonly kubeVersion: string;
  /** `refused`: the preflight found a blocker, and nothing was applied. */
  readonly outcome: "installed" | "refused" | "failed";
  readonly refusals: readonly InstallBlocker[];
  readonly releases: readonly ReleaseReport[];
  /** The rehearsal of the bundle, and how this installation differs; absent without a rehearsal. */
  readonly rehearsal?: ComparedRehearsal;
}

/**
 * Installs or upgrades every release, in order, and stops at the first that fails. Nothing is
 * applied if a Pod could not start. Throws `CLUSTER_UNREACHABLE`, `INSTALL_FAILED` if the user must
 * repair a release or namespace first, and the errors of rendering.
 */
export async function installBundle(
  run: Run,
  bundle: OpenBundle,
  options: InstallOptions,
  ports: InstallPorts,
): Promise<InstallReport> {
  const { inventory } = bundle;
  const chosen = chooseReleases(inventory, options.release);
  const facts = await ports.cluster.describe(run.signal);
  const releases = await extractReleases(bundle, chosen, options, ports);
  await settleAll("some releases cannot be installed now", [
    ...chosen.map((release) => refuseEnding(run, release, ports)),
    ...chosen.map((release) => findState(run, release, options, ports)),
  ]);
  const rehearsal = await compareRehearsal(
    bundle,
    { releases: chosen, kubeVersion: facts.version },
    options,
    ports,
  );
  const preflight = await checkInstall(run, { inventory, releases, facts }, options, ports);
  const { refusals, patched, stayingImages } = preflight;

  const reports: ReleaseReport[] = [];
  let isGoing = refusals.length === 0;
  for (const one of releases) {
    const isPatched = patched.has(one.release);
    const report = isGoing
      ? await installRelease(run, { ...one, isPatched, stayingImages }, options, ports)
      : { ...identify(one.release), outcome: "not-started" as const, pending: [] };
    isGoing &&= report.outcome === "installed";
    reports.push(report);
  }
  return {
    bundle: `${inventory.name} ${inventory.version}`,
    context: ports.cluster.context,
    kubeVersion: facts.version,
    outcome: refusals.length > 0 ? "refused" : isGoing ? "installed" : "failed",
    refusals,
    releases: reports,
    ...(rehearsal !== undefined && { rehearsal }),
  };
}

/**
 * Returns the release named `wanted`, or all releases without it. Throws `USAGE` if there is none.
 */
export function chooseReleases(
  { releases, name }: Inventory,
  wanted: string | undefined,
): readonly InventoryRelease[] {
  const chosen = wanted === undefined ? releases : releases.filter((release) => release.name === wanted);
  if (chosen.length > 0) return chosen;
  const available = releases.map((release) => release.name).join(", ");
  throw new ViolaError(
    "USAGE",
    wanted === undefined ? `bundle ${name} has no release` : `bundle ${name} has no release "${wanted}"`,
    {
      subject: wanted ?? name,
      hint: available === "" ? "Add charts to the spec." : `Releases of the bundle: ${available}.`,
    },
  );
}

async function refuseEnding(
  { signal }: Run,
  { name, namespace }: InventoryRelease,
  { cluster }: InstallPorts,
): Promise<void> {
  if ((await cluster.namespacePhase(namespace, signal)) !== "Terminating") return;
  throw new ViolaError("INSTALL_FAILED", `release ${name}: namespace ${namespace} is being deleted`, {
    subject: namespace,
    hint: `Wait for the deletion: kubectl wait --for=delete namespace/${namespace}. The status of the namespace says what blocks it.`,
  });
}

/** A release that passed the preflight. */
interface CheckedRelease extends ExtractedRelease, Pick<Preflight, "stayingImages"> {
  /** True if a post-renderer patches pull policies. */
  readonly isPatched: boolean;
}

async function installRelease(
  run: Run,
  { release, chartFile, valuesFiles, isPatched, stayingImages }: CheckedRelease,
  options: InstallOptions,
  ports: InstallPorts,
): Promise<ReleaseReport> {
  const { signal, progress } = run;
  const { set, timeoutSeconds, isWaiting } = options;
  const { cluster, releases } = ports;
  const { name, namespace } = release;
  const isFirst = await clearFailedFirst(run, release, options, ports);
  const step = `install:${namespace}/${name}`;
  progress({ kind: "started", step, title: `Installing ${name}` });
  const input = { release: name, namespace, chartFile, valuesFiles, set, isPatched, isFirst, timeoutSeconds };
  const watch = { namespace, step, timeoutSeconds, expectedImages: stayingImages };
  try {
    await showPodsDuring(run, releases.install(input, signal), watch, cluster);
  } catch (error) {
    if (!(error instanceof ViolaError) || error.code !== "INSTALL_FAILED") throw error;
    // If the cluster is unreachable, this throws. That is not reported as a failed release.
    const { pending, ...states } = await explainPods(run, namespace, cluster);
    // Helm waits only for hooks, so only the Pods of hooks can explain the failure.
    const ofHooks = pending.filter(
      ({ kind, owner = "" }) => kind === "Job" || (kind === "Pod" && ["", "Job"].includes(owner)),
    );
    return {
      ...identify(release),
      outcome: "failed",
      message: error.message,
      ...countsOf({ ...states, pending: ofHooks }),
    };
  }
  if (!isWaiting) {
    progress({ kind: "ended", step, summary: "applied" });
    return { ...identify(release), outcome: "installed", pending: [] };
  }
  const states = await waitForPods(run, watch, cluster);
  progress({ kind: "ended", step, summary: `${states.ready} of ${states.pods} Pods Running and Ready` });
  return {
    ...identify(release),
    outcome: states.pending.length === 0 ? "installed" : "not-ready",
    ...countsOf(states),
  };
}

/** The last revision of a release, and whether it is a first attempt that failed or was killed. */
interface FoundState extends ReleaseState {
  readonly isFailedFirst: boolean;
}

/**
 * Returns the state of a release that can be changed. Throws `INSTALL_FAILED` if another helm
 * process may be working on it. Helm records a failure when a signal ends it, so `pending-install`
 * means that helm is running or was killed.
 */
async function findState(
  { signal }: Run,
  { name, namespace }: InventoryRelease,
  { timeoutSeconds }: InstallOptions,
  { releases }: InstallPorts,
): Promise<FoundState | undefined> {
  const state = await releases.releaseState({ name, namespace }, signal);
  if (state === undefined) return undefined;
  const { revision, status, since } = state;
  const isFirst = revision === 1 && (status === "failed" || status === "pending-install");
  const isCutOff = since !== undefined && Date.now() - since.getTime() > timeoutSeconds * 1000;
  const isFailedFirst = isFirst && (status === "failed" || isCutOff);
  if (isFailedFirst || !(status.startsWith("pending-") || status === "uninstalling")) {
    return { ...state, isFailedFirst };
  }
  const when = since === undefined ? "" : ` since ${since.toISOString()}`;
  const repair = status === "pending-upgrade" || status === "pending-rollback" ? "rollback" : "uninstall";
  throw new ViolaError(
    "INSTALL_FAILED",
    `release ${name}: another operation is in progress (${status}${when})`,
    {
      subject: name,
      hint: `Wait until it ends. If it was killed, run: helm ${repair} ${name} --namespace ${namespace}${isFirst ? " --no-hooks" : ""}`,
    },
  );
}

/**
 * Uninstalls a first attempt that failed, because Helm would refuse to upgrade it or skip its
 * pre-install hooks. Returns true if no release of this name exists afterwards. Throws the errors
 * of `findState`.
 */
async function clearFailedFirst(
  run: Run,
  release: InventoryRelease,
  options: InstallOptions,
  ports: InstallPorts,
): Promise<boolean> {
  const state = await findState(run, release, options, ports);
  if (state === undefined) return true;
  if (!state.isFailedFirst) return false;
  run.progress({
    kind: "note",
    message: `${release.name}: the first attempt failed (${state.status}); it is uninstalled and installed again`,
  });
  await ports.releases.uninstall(release, run.signal);
  return true;
}

function identify({
  name,
  namespace,
  chart,
}: InventoryRelease): Pick<ReleaseReport, "name" | "namespace" | "chart"> {
  return { name, namespace, chart: `${chart.name}-${chart.version}` };
}

function countsOf({ ready, pods, pending }: PodStates): Pick<ReleaseReport, "ready" | "pods" | "pending"> {
  return { ready, pods, pending };
}
