// What the stores of container engines cannot hold.
import { describe, expect, it } from "vitest";
import type { InventoryImage } from "../../../../src/core/bundle/inventory.js";
import {
  findLimitedImages,
  hasNeeds,
  requireFit,
  type EngineNeed,
} from "../../../../src/core/load/engine-limits.js";
import { DOCKER_LAYER, OCI_INDEX, OCI_LAYER } from "../../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { imageOf } from "./inventory-of.js";

function withLayer(mediaType: string): InventoryImage {
  const image = imageOf("quay.io/a/b:1", { layers: ["layer"] });
  return {
    ...image,
    platforms: image.platforms.map((platform) => ({
      ...platform,
      layers: platform.layers.map((layer) => ({ ...layer, mediaType })),
    })),
  };
}

function withIndex(): InventoryImage {
  const image = imageOf("quay.io/a/b:1");
  const nested = { mediaType: OCI_INDEX, digest: digestOf("nested"), size: 6 };
  return { ...image, manifests: [...image.manifests, nested] };
}

const CASES: readonly (readonly [EngineNeed, InventoryImage])[] = [
  ["zstd", withLayer(`${OCI_LAYER}+zstd`)],
  ["docker-zstd", withLayer(`${DOCKER_LAYER}.zstd`)],
  ["encrypted", withLayer(`${OCI_LAYER}+gzip+encrypted`)],
  ["nested-index", withIndex()],
  ["ipv6-host", imageOf("[2001:db8::1]:5000/a/b:1")],
  ["long-name", imageOf(`quay.io/${"a/".repeat(92)}b:1`)],
];

describe("an image that needs", () => {
  it.each(CASES)("%s is refused by an engine without it, by its name", (need, image) => {
    const limits = { engine: "engine", lacks: new Set([need]) };
    expect(() => {
      requireFit([image, imageOf("quay.io/a/usual:1")], limits);
    }).toThrow(expect.objectContaining({ code: "IMAGE_UNSUPPORTED", subject: image.normalized }));
  });

  it.each(CASES)("%s is accepted by an engine with it", (need, image) => {
    // Such a layer needs both.
    const own = need === "docker-zstd" ? ["zstd", need] : [need];
    const others = CASES.map(([other]) => other).filter((other) => !own.includes(other));
    expect(() => {
      requireFit([image], { engine: "engine", lacks: new Set(others) });
    }).not.toThrow();
  });

  it.each(CASES)("%s is a warning on the side that builds", (_, image) => {
    expect(findLimitedImages([image]).map(({ normalized }) => normalized)).toContain(image.normalized);
  });
});

it("a usual image needs nothing", () => {
  expect(hasNeeds(imageOf("quay.io/a/b:1", { layers: ["layer"] }))).toBe(false);
});
