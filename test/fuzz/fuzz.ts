// Gives many changed inputs to all readers, and reports what must not happen.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ViolaError } from "../../src/errors.js";
import { mutate, randomFrom } from "./mutate.js";
import { FUZZ_TARGETS, readCorpus } from "./targets.js";

/** Longer than this, one input blocks signals. Inputs have up to 48 KiB. */
const SLOW_MS = 1_000;

export interface FuzzFailure {
  readonly target: string;
  /** Reproduces the input. */
  readonly seed: number;
  readonly what: string;
  readonly input: Buffer;
}

export interface FuzzReport {
  readonly inputs: number;
  /** Inputs that were rejected with a `ViolaError`. */
  readonly rejected: number;
  readonly failures: readonly FuzzFailure[];
  /** Growth of the heap since the first tenth of the inputs, after garbage collection. */
  readonly heapGrowthBytes: number;
  /** Memory of the process at the same two moments. */
  readonly residentBytes: readonly [first: number, last: number];
  readonly slowestMs: number;
}

/** Reads `inputs` inputs. Input `i` is made from `seed + i`. Stops at ten failures. */
export function fuzz(inputs: number, seed: number): FuzzReport {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const heap = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const all = FUZZ_TARGETS.map((target) => ({ ...target, corpus: readCorpus(target) }));
  // Targets that take long get a third of the inputs of others.
  const targets = [...all, ...all, ...all].filter(({ isSlow }, at) => isSlow !== true || at < all.length);
  const failures: FuzzFailure[] = [];
  let rejected = 0;
  let slowestMs = 0;
  let warm = 0;
  let warmResident = 0;
  let done = 0;
  for (; done < inputs && failures.length < 10; done++) {
    if (done === Math.floor(inputs / 10)) {
      warm = heap();
      warmResident = process.memoryUsage.rss();
    }
    const target = targets[done % targets.length];
    if (target === undefined) break;
    const input = mutate(target.corpus, randomFrom(seed + done));
    const fail = (what: string): void => {
      failures.push({ target: target.name, seed: seed + done, what, input });
    };
    const before = process.cpuUsage();
    try {
      target.read(input);
    } catch (cause) {
      if (cause instanceof ViolaError) rejected++;
      else fail(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
    }
    const { user } = process.cpuUsage(before);
    const took = user / 1_000;
    slowestMs = Math.max(slowestMs, took);
    if (took > SLOW_MS) fail(`took ${Math.round(took)} ms`);
  }
  const heapGrowthBytes = heap() - warm;
  const residentBytes = [warmResident, process.memoryUsage.rss()] as const;
  return { inputs: done, rejected, failures, heapGrowthBytes, residentBytes, slowestMs };
}
