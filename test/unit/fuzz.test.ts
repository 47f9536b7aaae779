// Changed inputs of every kind: a reader rejects them with an error for the user, or accepts them.
// `npm run fuzz -- 1000000` gives more inputs.
import { expect, it } from "vitest";
import { fuzz } from "../fuzz/fuzz.js";

const MB = 1_000_000;

it("rejects 20,000 changed inputs with errors for the user, in flat memory", () => {
  const { failures, inputs, rejected, heapGrowthBytes } = fuzz(20_000, 1);

  expect(failures.map(({ target, seed, what }) => `${target}, seed ${seed}: ${what}`)).toEqual([]);
  expect(inputs).toBe(20_000);
  // Changes that no reader notices would prove nothing.
  expect(rejected).toBeGreaterThan(4_000);
  expect(heapGrowthBytes).toBeLessThan(20 * MB);
});
