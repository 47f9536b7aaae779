// Watching a rehearsal: every Pod that comes, until nothing more is to be expected.
import type { Json } from "../../core/json.js";
import { textOf, valueAt } from "../../core/json.js";
import { findReference, formatReference } from "../../core/images/reference.js";
import { judgePods, type PodStates } from "../../core/kubernetes/pod-states.js";
import type { PulledName } from "../../core/rehearsal/pull-requests.js";
import { ViolaError } from "../../errors.js";
import type { Run } from "../progress.js";
import type { RehearsalCluster } from "../../core/rehearsal/cluster-snapshot.js";
import { delay } from "../delay.js";

/** What was seen in a cluster. */
export interface Observations {
  /** Pods of all namespaces, each as it was seen last. */
  readonly pods: readonly Json[];
  /** Objects that make Pods, with their makers. */
  readonly workloads: readonly Json[];
}

/** Collects what is seen; an object that is seen again replaces its older form. */
export interface ObservationLog {
  add(seen: Observations): void;
  list(): Observations;
}

export function collectObservations(): ObservationLog {
  let all: Observations = { pods: [], workloads: [] };
  return {
    add: ({ pods, workloads }) => {
      all = { pods: merged(all.pods, pods), workloads: merged(all.workloads, workloads) };
    },
    list: () => all,
  };
}

export interface RehearsalWatch {
  readonly namespace: string;
  /** Step whose progress is told. */
  readonly step: string;
  readonly timeoutSeconds: number;
  /** Returns what the nodes have requested so far. */
  readonly pulled: () => readonly PulledName[];
  /** Where everything that is seen is added. */
  readonly observations: ObservationLog;
  /** Images that Pods will run sooner or later, spelled out. */
  readonly expectedImages: readonly string[];
  /** True where an operator that nobody knows may start more. */
  readonly mayStartMore: boolean;
}

const POLL_MS = 2_500;
/** All is over when nothing has changed for so long; operators need time to make their Pods. */
const SETTLE_MS = { allSeen: 8_000, moreExpected: 20_000 };
/** Nothing will come of waiting when images alone have been missing for so long. */
const STUCK_MS = 20_000;

/**
 * Watches while `work` goes on, and then until the Pods run and nothing new is asked for, until nothing but missing images is in the way (`work` is
 * ended then), or until the time is over. Returns what `work` failed with, as a message, unless it was ended here.
 */
export async function observeRehearsal(
  run: Run,
  work: (signal: AbortSignal) => Promise<void>,
  watch: RehearsalWatch,
  cluster: RehearsalCluster,
): Promise<{ readonly failure?: string }> {
  const { signal } = run;
  const useless = new AbortController();
  const state: { isWorking: boolean; failure?: string } = { isWorking: true };
  const working = work(AbortSignal.any([signal, useless.signal])).then(
    () => {
      state.isWorking = false;
    },
    (error: unknown) => {
      state.isWorking = false;
      if (useless.signal.aborted || signal.aborted) return;
      if (!(error instanceof ViolaError)) throw error;
      state.failure = error.message;
    },
  );
  const deadline = Date.now() + watch.timeoutSeconds * 1000;
  let unchangedSince = Date.now();
  let fingerprint = "";
  try {
    for (;;) {
      const states = await look(run, watch, cluster);
      const now = [
        state.isWorking,
        states.fingerprint,
        watch.pulled().length,
        states.pending.map(({ name }) => name).join(),
      ].join("|");
      if (now !== fingerprint) unchangedSince = Date.now();
      fingerprint = now;
      const calmMs = Date.now() - unchangedSince;
      const isCalm = !state.isWorking && states.pending.length === 0 && states.ready === states.pods;
      if (isCalm && calmMs >= settleMs(watch, states)) break;
      if (isStuck(states) && calmMs >= STUCK_MS) break;
      if (Date.now() >= deadline) {
        if (state.isWorking) state.failure = `not installed within ${watch.timeoutSeconds} s`;
        break;
      }
      await delay(POLL_MS, signal);
    }
  } finally {
    useless.abort();
    await working;
  }
  return state.failure === undefined ? {} : { failure: state.failure };
}

async function look(
  { signal, progress }: Run,
  watch: RehearsalWatch,
  cluster: RehearsalCluster,
): Promise<PodStates> {
  const [pods, workloads] = await Promise.all([
    cluster.pods(signal),
    cluster.workloadsWithMakers(watch.namespace, signal),
  ]);
  watch.observations.add({ pods, workloads });
  const states = judgePods(workloads);
  const pulled = watch.pulled();
  const missing = pulled.filter(({ isInBundle }) => !isInBundle).length;
  const detail = `Pods ready, ${pulled.length} images asked for, ${missing} of them not in the bundle`;
  progress({ kind: "advanced", step: watch.step, done: states.ready, total: states.pods, detail });
  return states;
}

/** The newest form of every object. */
function merged(old: readonly Json[], seen: readonly Json[]): readonly Json[] {
  const uid = (object: Json): string => textOf(valueAt(object, "metadata.uid")) ?? "";
  return [...new Map([...old, ...seen].map((object) => [uid(object), object])).values()];
}

function settleMs({ expectedImages, mayStartMore }: RehearsalWatch, { images }: PodStates): number {
  const running = new Set<string>(
    [...images].flatMap((image) => {
      const reference = findReference(image);
      return reference === undefined ? [] : [formatReference(reference)];
    }),
  );
  const isAllSeen = !mayStartMore && expectedImages.every((image) => running.has(image));
  return isAllSeen ? SETTLE_MS.allSeen : SETTLE_MS.moreExpected;
}

/** True when every Pod that does not run lacks an image; a Job waits for its Pod. */
function isStuck({ pending }: PodStates): boolean {
  const pods = pending.filter(({ kind }) => kind === "Pod");
  return pods.length > 0 && pods.every(({ image }) => image !== undefined);
}
