// Watches the Pods of a namespace until all are Running and Ready, or until the timeout.
import { normalizeReference } from "../../core/images/reference.js";
import type { Cluster } from "../../core/install/cluster.js";
import { judgePods, type PodStates } from "../../core/kubernetes/pod-states.js";
import { ViolaError } from "../../errors.js";
import type { Run } from "../progress.js";
import { delay } from "../delay.js";

/** What `waitForPods` waits for. */
export interface WatchOptions {
  readonly namespace: string;
  /** Step that progress is reported for. */
  readonly step: string;
  /** Normalized references of images that Pods are expected to run. */
  readonly expectedImages: readonly string[];
  readonly timeoutSeconds: number;
}

const POLL_MS = 2_000;
/**
 * Time without changes before waiting ends. Operators create Pods only after they run themselves.
 */
const SETTLE_MS = { allSeen: 4_000, someUnseen: 20_000 };
/** Time for which the API server may be unreachable, because the installation may restart it. */
const AWAY_MS = 60_000;

/** Queries the Pods once and reports how many are ready. */
export async function showPods(
  { signal, progress }: Run,
  { namespace, step }: Pick<WatchOptions, "namespace" | "step">,
  cluster: Cluster,
): Promise<PodStates> {
  const states = judgePods(await cluster.workloads(namespace, signal));
  const { pods, ready, pending } = states;
  const [first, ...others] = pending;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const detail =
    first === undefined ? "Pods ready" : `Pods ready, waiting for ${first.name}${more}: ${first.why}`;
  progress({ kind: "advanced", step, done: ready, total: pods, detail });
  return states;
}

/**
 * Waits until every Pod of the namespace is Running and Ready, every object has its desired number
 * of Pods, and this has been stable for `SETTLE_MS`. Returns the last state, with reasons after a
 * timeout. Throws `CLUSTER_UNREACHABLE` if the API server stays unreachable.
 */
export async function waitForPods(run: Run, options: WatchOptions, cluster: Cluster): Promise<PodStates> {
  const { signal } = run;
  const deadline = Date.now() + options.timeoutSeconds * 1000;
  let answeredAt = Date.now();
  let calmSince: number | undefined;
  let fingerprint = "";
  for (;;) {
    try {
      const states = await showPods(run, options, cluster);
      answeredAt = Date.now();
      const isCalm = states.pending.length === 0 && states.ready === states.pods;
      if (!isCalm || states.fingerprint !== fingerprint) calmSince = undefined;
      fingerprint = states.fingerprint;
      if (isCalm) calmSince ??= Date.now();
      const running = new Set([...states.images].map(normalizeReference));
      const settle = options.expectedImages.every((image) => running.has(image))
        ? SETTLE_MS.allSeen
        : SETTLE_MS.someUnseen;
      if (calmSince !== undefined && Date.now() - calmSince >= settle) return states;
    } catch (error) {
      if (signal.aborted || !isAway(error) || Date.now() - answeredAt > AWAY_MS) throw error;
    }
    if (Date.now() >= deadline) return explainPods(run, options.namespace, cluster);
    await delay(POLL_MS, signal);
  }
}

/** Returns the state of the namespace, with the reasons from events and container states. */
export async function explainPods({ signal }: Run, namespace: string, cluster: Cluster): Promise<PodStates> {
  const [objects, warnings] = await Promise.all([
    cluster.workloads(namespace, signal),
    cluster.warnings(namespace, signal),
  ]);
  return judgePods(objects, warnings);
}

/** Reports the state of the Pods while `work` runs, and returns its result. */
export async function showPodsDuring<T>(
  run: Run,
  work: Promise<T>,
  options: Pick<WatchOptions, "namespace" | "step">,
  cluster: Cluster,
): Promise<T> {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  const ended = work.then(end, end);
  const until = AbortSignal.any([run.signal, over.signal]);
  while (!over.signal.aborted) {
    try {
      await showPods({ ...run, signal: until }, options, cluster);
    } catch (error) {
      // `work` reports an unreachable cluster. After it has ended, the query does not matter.
      if (!until.aborted && !isAway(error)) {
        await ended;
        throw error;
      }
    }
    await Promise.race([ended, delay(POLL_MS, over.signal).catch(() => undefined)]);
  }
  return work;
}

function isAway(error: unknown): boolean {
  return error instanceof ViolaError && error.code === "CLUSTER_UNREACHABLE";
}
