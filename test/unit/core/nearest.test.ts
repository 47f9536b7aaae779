// Which words are near enough to be what was meant.
import { expect, it } from "vitest";
import { findNearest, rankNearest } from "../../../src/core/nearest.js";

it("finds slips and nothing far off", () => {
  expect(findNearest("mirors", ["mirrors", "cache"])).toBe("mirrors");
  expect(findNearest("Helm", ["helm"])).toBe("helm");
  expect(findNearest("colour", ["mirrors", "cache"])).toBeUndefined();
});

it("puts the nearest first", () => {
  expect(rankNearest("v2.55.2", ["v2.45.1", "latest", "v2.55.1"])).toEqual(["v2.55.1", "v2.45.1"]);
});
