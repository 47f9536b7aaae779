import { expect, it } from "vitest";
import { countOf } from "../../../src/core/count-of.js";

it("uses the singular for one and the plural for every other count", () => {
  expect([0, 1, 2].map((count) => countOf(count, "image"))).toEqual(["0 images", "1 image", "2 images"]);
});

it("accepts an irregular plural", () => {
  expect([1, 2].map((count) => countOf(count, "image is", "images are"))).toEqual([
    "1 image is",
    "2 images are",
  ]);
});
