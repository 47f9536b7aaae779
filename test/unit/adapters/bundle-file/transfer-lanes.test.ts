// The order in which blobs are transferred.
import { expect, it } from "vitest";
import { transferInLanes } from "../../../../src/adapters/bundle-file/transfer-lanes.js";

const MIB = 1024 * 1024;
const SIZES = [900, 800, 700, 600, 500, 400, 300, 2, 1].map((size) => size * MIB).concat([9000, 500, 3, 0]);

interface Event {
  readonly started: readonly number[];
  readonly running: number;
}

/** Transfers the sizes, each of which takes as many turns as it has MiB, and returns every start. */
async function record(sizes: readonly number[], concurrency: number): Promise<readonly Event[]> {
  const events: Event[] = [];
  const started: number[] = [];
  let running = 0;
  const transfers = await transferInLanes(
    sizes.map((size) => ({ size })),
    concurrency,
    async ({ size }) => {
      started.push(size);
      events.push({ started: [...started], running: ++running });
      for (let turn = 0; turn <= size / MIB; turn++) await Promise.resolve();
      running--;
    },
  );
  await Promise.all(transfers);
  return events;
}

it.each([1, 2, 3, 8, 40])("transfers every blob once, at most %i at once", async (concurrency) => {
  const events = await record(SIZES, concurrency);

  expect(events.at(-1)?.started.toSorted()).toEqual(SIZES.toSorted());
  expect(Math.max(...events.map(({ running }) => running))).toBe(Math.min(concurrency, SIZES.length));
});

it("begins with the largest blobs, and transfers the small ones beside them", async () => {
  const events = await record(SIZES, 4);
  const order = events.at(-1)?.started ?? [];

  expect(order.slice(0, 4).toSorted()).toEqual([9000, 900 * MIB, 800 * MIB, 700 * MIB].toSorted());
  expect(order.indexOf(600 * MIB)).toBeGreaterThan(order.indexOf(0));
});

it("returns the failure of each blob, and transfers the others", async () => {
  const transfers = await transferInLanes([{ size: 3 * MIB }, { size: 2 }, { size: 1 }], 2, ({ size }) =>
    size === 2 ? Promise.reject(new Error("refused")) : Promise.resolve(),
  );
  const outcomes = await Promise.allSettled(transfers);

  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "fulfilled", "rejected"]);
});
