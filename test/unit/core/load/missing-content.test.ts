// The content of a bundle that a node lacks.
import { expect, test } from "vitest";
import {
  describeMissingPlatform,
  missingBlobs,
  manifestsOf,
  surveyNode,
  wantedNames,
} from "../../../../src/core/load/missing-content.js";
import { digestOfText, imageOf, inventoryOf } from "./inventory-of.js";

const AMD64 = { os: "linux", architecture: "amd64" };
const ARM64 = { os: "linux", architecture: "arm64" };
const pinned = imageOf("docker.io/a/b:1", {
  layers: ["base", "b"],
  names: ["docker.io/a/b:1", `docker.io/a/b@${digestOfText("docker.io/a/b:1 index")}`],
});
const both = imageOf("docker.io/c/d:2", { layers: ["base", "d"], platforms: ["linux/amd64", "linux/arm64"] });
const inventory = inventoryOf([pinned, both]);

test("a node that has every name with the bundle's digest lacks nothing", () => {
  const complete = new Map(
    [...pinned.names, ...both.names].map((name) => [
      name,
      name.includes("/a/") ? pinned.digest : both.digest,
    ]),
  );
  expect(surveyNode(inventory, AMD64, complete)).toEqual({ missing: [], withoutPlatform: [] });
});

test("a name that points to another digest is missing", () => {
  const complete = new Map([
    ...pinned.names.map((name) => [name, pinned.digest] as const),
    ["docker.io/c/d:2", digestOfText("other")],
  ]);
  expect(surveyNode(inventory, AMD64, complete).missing.map(({ names }) => names)).toEqual([
    ["docker.io/c/d:2"],
  ]);
});

test("only the missing one of two names is loaded", () => {
  const complete = new Map([
    ["docker.io/a/b:1", pinned.digest],
    ["docker.io/c/d:2", both.digest],
  ]);
  expect(wantedNames(surveyNode(inventory, AMD64, complete).missing)).toEqual([
    { name: pinned.names[1], platform: "linux/amd64" },
  ]);
});

test("second names come after the first names of all images", () => {
  const wanted = wantedNames(surveyNode(inventory, AMD64, new Map()).missing);
  expect(wanted.map(({ name }) => name)).toEqual([pinned.names[0], both.names[0], pinned.names[1]]);
});

test("an image without the node's platform is listed separately, unless it is complete on the node", () => {
  const survey = surveyNode(inventory, ARM64, new Map());
  expect(survey.withoutPlatform).toEqual([pinned]);
  expect(survey.missing.map(({ platform }) => platform.platform)).toEqual(["linux/arm64"]);
  const complete = new Map(pinned.names.map((name) => [name, pinned.digest]));
  expect(surveyNode(inventory, ARM64, complete).withoutPlatform).toEqual([]);
});

test("blobs are the missing ones of the node's platform, shared ones once", () => {
  const { missing } = surveyNode(inventory, AMD64, new Map());
  expect([...missingBlobs(missing, new Set([digestOfText("base")]))].sort()).toEqual(
    ["docker.io/a/b:1 linux/amd64 config", "docker.io/c/d:2 linux/amd64 config", "b", "d"]
      .map(digestOfText)
      .sort(),
  );
  expect(manifestsOf(missing).has(digestOfText("docker.io/c/d:2 linux/arm64 manifest"))).toBe(true);
});

test("the error contains node, platform and images", () => {
  const text = describeMissingPlatform("node-1", ARM64, [pinned], inventory);
  for (const part of ["node-1", "linux/arm64", "docker.io/a/b:1"]) expect(text).toContain(part);
});
