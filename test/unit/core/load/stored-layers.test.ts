// Layers that an engine has as part of other images.
import { expect, it } from "vitest";
import { countStoredLayers } from "../../../../src/core/load/stored-layers.js";

it.each([
  [["a", "b", "c"], [["a", "b"], ["a"]], 2],
  [["a", "b"], [["a", "b", "c"]], 2],
  [["a", "b"], [["b", "a"]], 0],
  [["a", "b"], [], 0],
  [[], [["a"]], 0],
] as const)("of the layers %j and the images %j, the lowest %i are stored", (diffIds, stored, count) => {
  expect(countStoredLayers(diffIds, stored)).toBe(count);
});
