// The images that unload would remove, for states of a node that are difficult to create.
import { expect, test } from "vitest";
import { bundleId } from "../../../../src/core/bundle/names.js";
import { planUnload } from "../../../../src/core/load/unload-plan.js";
import { imageOf, inventoryOf } from "./inventory-of.js";

const NAME = "quay.io/a/b:1";
const image = imageOf(NAME);
const inventory = inventoryOf([image]);
const config = image.platforms[0]?.config.digest ?? "";
const own = { name: NAME, digest: image.digest, bundles: [bundleId(inventory)] };
const byConfig = { name: config, digest: image.digest, bundles: [] };

test("the kubelet's name of the content is removed with the last other name", () => {
  const plan = planUnload(inventory, [own, byConfig], new Set());
  expect([plan.remove, plan.configNames]).toEqual([[NAME], [config]]);
});

test("another name of the content is kept, and the content too", () => {
  const alias = { name: "docker.io/mine/b:1", digest: image.digest, bundles: [] };
  const plan = planUnload(inventory, [own, byConfig, alias], new Set());
  expect([plan.remove, plan.configNames]).toEqual([[NAME], []]);
});

test("a name that was moved to other content is kept", () => {
  const plan = planUnload(inventory, [{ ...own, digest: `sha256:${"0".repeat(64)}` }], new Set());
  expect([plan.remove, plan.kept.map(({ name }) => name)]).toEqual([[], [NAME]]);
});

test.each([[NAME], [config], ["docker.io/alias/b:1"]])("a container made from %s keeps it", (used) => {
  const alias = { name: "docker.io/alias/b:1", digest: image.digest, bundles: [] };
  const plan = planUnload(inventory, [own, byConfig, alias], new Set([used]));
  expect([plan.remove, plan.kept.map(({ name }) => name)]).toEqual([[], [NAME]]);
});
