// Watches the Pods of a rehearsal until no more changes are expected.
import { countOf } from "../../core/count-of.js";
import { textOf, valueAt, type Json } from "../../core/json.js";
import { findReference, formatReference } from "../../core/images/reference.js";
import { judgePods, type PodStates } from "../../core/kubernetes/pod-states.js";
import type { PulledName } from "../../core/rehearsal/pull-requests.js";
import { ViolaError } from "../../errors.js";
import type { Run } from "../progress.js";
import type { RehearsalCluster } from "../../core/rehearsal/cluster-snapshot.js";
import { delay } from "../delay.js";
import type { WatchOptions } from "../install/wait-for-pods.js";

/** What was observed in a cluster. */
export interface Observations {
  /** Pods of all namespaces, each in its last observed state. */
  readonly pods: readonly Json[];
  /** Objects that create Pods, and the objects that created them. */
  readonly workloads: readonly Json[];
}

/** Collects observations. A newer state of an object replaces the older one. */
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

/** What `observeRehearsal` waits for. */
export interface RehearsalWatch extends WatchOptions {
  /** Returns what the nodes have requested so far. */
  readonly pulled: () => readonly PulledName[];
  /** The log that observations are added to. */
  readonly observations: ObservationLog;
  /** True if an unknown operator may start more images. */
  readonly mayStartMore: boolean;
}

const POLL_MS = 2_500;
/** Time without changes before watching ends. Operators need time to create their Pods. */
const SETTLE_MS = { allSeen: 8_000, moreExpected: 20_000 };
/** Time after which waiting is useless if only images are missing. */
const STUCK_MS = 20_000;

/**
 * Watches while `work` runs and afterwards. Stops when the Pods run and nothing new is pulled, when
 * only missing images block the Pods, or at the timeout. `work` is aborted if it is still running.
 * Returns the error message of `work`, unless it was aborted here.
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
  const detail = `Pods ready, ${countOf(pulled.length, "image")} pulled, ${missing} not in the bundle`;
  progress({ kind: "advanced", step: watch.step, done: states.ready, total: states.pods, detail });
  return states;
}

/** Returns the newest state of every object. */
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

/** True if every Pod that is not running lacks an image. A pending Job only waits for its Pod. */
function isStuck({ pending }: PodStates): boolean {
  const pods = pending.filter(({ kind }) => kind === "Pod");
  return pods.length > 0 && pods.every(({ image }) => image !== undefined);
}
