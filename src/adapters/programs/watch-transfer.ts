// Detects that a program transfers nothing any more.
import { readFile } from "node:fs/promises";

const MOST_OFTEN_MS = 1_000;
/** Where the transfer cannot be observed, the program may run for so many stall timeouts. */
const TIMES_UNOBSERVED = 10;

/**
 * Calls `onStall` once when the process has neither read nor written a byte for this time: on Linux by
 * its counters, which include sockets. Elsewhere, when it has run for ten times as long. Returns a
 * function that ends the watch.
 * https://man7.org/linux/man-pages/man5/proc_pid_io.5.html
 */
export function watchTransfer(pid: number, stallMs: number, onStall: () => void): () => void {
  const startedMs = performance.now();
  let counted = "";
  let lastMs = startedMs;
  let isEnded = false;
  const timer = setInterval(
    () => {
      void readCounters(pid).then((counters) => {
        if (isEnded) return;
        const now = performance.now();
        if (counters !== undefined && counters !== counted) {
          counted = counters;
          lastMs = now;
        }
        const limitMs = counters === undefined ? TIMES_UNOBSERVED * stallMs : stallMs;
        if (now - (counters === undefined ? startedMs : lastMs) < limitMs) return;
        end();
        onStall();
      });
    },
    Math.min(MOST_OFTEN_MS, stallMs / 4),
  );
  const end = (): void => {
    isEnded = true;
    clearInterval(timer);
  };
  return end;
}

async function readCounters(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/io`, "utf8").catch(() => undefined);
  return text === undefined ? undefined : /^rchar: \d+\nwchar: \d+$/m.exec(text)?.[0];
}
