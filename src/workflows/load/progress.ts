// Reports the progress of a load, in total and for each node.
import type { OnProgress } from "../progress.js";

/** Bytes between two progress events. */
const STEP_BYTES = 4 * 1024 * 1024;

/** Counts bytes by node and reports them as one step. */
export class LoadProgress {
  readonly #expected: ReadonlyMap<string, number>;
  readonly #onProgress: OnProgress;
  readonly #sent = new Map<string, number>();
  #total = 0;
  #told = 0;

  /** `expected`: the bytes that each node is expected to request. */
  constructor(expected: ReadonlyMap<string, number>, onProgress: OnProgress) {
    this.#expected = expected;
    this.#onProgress = onProgress;
    const names = [...expected.keys()];
    onProgress({
      kind: "started",
      step: "load",
      title: `Loading ${names.length === 1 ? (names[0] ?? "") : `${names.length} nodes`}`,
      total: [...expected.values()].reduce((sum, bytes) => sum + bytes, 0),
      unit: "bytes",
    });
  }

  /** Adds bytes that were sent to a node. */
  add(node: string, bytes: number): void {
    this.#sent.set(node, (this.#sent.get(node) ?? 0) + bytes);
    this.#total += bytes;
    if (this.#total - this.#told < STEP_BYTES) return;
    this.#told = this.#total;
    const shares = [...this.#expected].map(([name, all]) => {
      const percent = all === 0 ? 100 : Math.min(100, Math.floor((100 * (this.#sent.get(name) ?? 0)) / all));
      return `${name} ${percent} %`;
    });
    this.#onProgress({ kind: "advanced", step: "load", done: this.#total, detail: shares.join(", ") });
  }

  end(summary: string): void {
    this.#onProgress({ kind: "ended", step: "load", summary });
  }
}
