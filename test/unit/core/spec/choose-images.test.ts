// The selection of found images.
import { expect, it } from "vitest";
import { chooseImages } from "../../../../src/core/spec/choose-images.js";
import { findIn } from "../finding/find.js";

const SPEC = { extraImages: [], excludedImages: [], includeTests: false };
const { images: FOUND } = findIn(`
apiVersion: v1
kind: Pod
metadata: { name: app }
spec: { containers: [{ image: "example.org/app:1" }] }
---
apiVersion: v1
kind: Pod
metadata: { name: test, annotations: { helm.sh/hook: test-success } }
spec: { containers: [{ image: "example.org/test:1" }] }
---
apiVersion: batch/v1
kind: Job
metadata: { name: setup, annotations: { helm.sh/hook: "pre-install,test" } }
spec: { template: { spec: { containers: [{ image: "example.org/setup:1" }] } } }
`);

const chosenWith = (spec: Partial<typeof SPEC>): readonly string[] =>
  chooseImages(FOUND, { ...SPEC, ...spec }).chosen.map(({ normalized }) => normalized);

it("excludes images that only `helm test` starts, unless the spec includes tests", () => {
  expect(chosenWith({})).toEqual(["example.org/app:1", "example.org/setup:1"]);
  expect(chosenWith({ includeTests: true })).toEqual([
    "example.org/app:1",
    "example.org/setup:1",
    "example.org/test:1",
  ]);
});

it("lists the images of tests that are left out, unless the spec decides about them", () => {
  const testsWith = (spec: Partial<Parameters<typeof chooseImages>[1]>): readonly string[] =>
    chooseImages(FOUND, { ...SPEC, ...spec }).tests.map(({ normalized }) => normalized);

  expect(testsWith({})).toEqual(["example.org/test:1"]);
  expect(testsWith({ includeTests: true })).toEqual([]);
  expect(testsWith({ extraImages: [{ reference: "example.org/test:1" }] })).toEqual([]);
  const excludedImages = [{ reference: "example.org/test:1", reason: "not run" }];
  expect(testsWith({ includeTests: true, excludedImages })).toEqual([]);
});

it("lists the hooks of an image", () => {
  const hooks = Object.fromEntries(FOUND.map(({ normalized, evidence }) => [normalized, evidence[0]?.hooks]));

  expect(hooks).toEqual({
    "example.org/app:1": undefined,
    "example.org/setup:1": ["pre-install", "test"],
    "example.org/test:1": ["test-success"],
  });
});

it("warns about an exclusion that matches nothing", () => {
  const choice = chooseImages(FOUND, {
    ...SPEC,
    excludedImages: [
      { reference: "example.org/app:1", reason: "not wanted" },
      { reference: "example.org/app:2", reason: "a slip" },
    ],
  });

  expect(choice.chosen.map(({ normalized }) => normalized)).toEqual(["example.org/setup:1"]);
  expect(choice.excluded).toEqual([{ reference: "example.org/app:1", reason: "not wanted" }]);
  expect(choice.warnings).toMatchObject([{ code: "exclusion-unused", incomplete: false }]);
});
