// The progress of a load: all nodes together, and each of them.
import { expect, test } from "vitest";
import type { ProgressEvent } from "../../../../src/workflows/progress.js";
import { LoadProgress } from "../../../../src/workflows/load/progress.js";

const MB = 1024 * 1024;

function track(expected: Readonly<Record<string, number>>): {
  progress: LoadProgress;
  events: ProgressEvent[];
} {
  const events: ProgressEvent[] = [];
  const progress = new LoadProgress(new Map(Object.entries(expected)), (event) => events.push(event));
  return { progress, events };
}

test("begins with the bytes of all nodes, and ends with a summary", () => {
  const { progress, events } = track({ n1: 10 * MB, n2: 30 * MB });

  progress.end("2 nodes");

  expect(events).toMatchObject([
    { kind: "started", step: "load", total: 40 * MB, unit: "bytes" },
    { kind: "ended", step: "load", summary: "2 nodes" },
  ]);
});

test("reports each node every few megabytes, and not for every chunk", () => {
  const { progress, events } = track({ n1: 10 * MB, n2: 20 * MB });

  for (let sent = 0; sent < 10 * MB; sent += MB) {
    progress.add("n1", MB / 2);
    progress.add("n2", MB / 2);
  }

  const told = events.filter((event) => event.kind === "advanced");
  expect(told.map(({ done }) => done)).toEqual([4 * MB, 8 * MB]);
  expect(told.map(({ detail }) => detail)).toEqual(["n1 20 %, n2 10 %", "n1 40 %, n2 20 %"]);
});

test("a node that receives more than expected, or unexpected content, is at most complete", () => {
  const { progress, events } = track({ n1: 4 * MB, n2: 0 });

  progress.add("n1", 9 * MB);

  expect(events.at(-1)).toMatchObject({ kind: "advanced", detail: "n1 100 %, n2 100 %" });
});
