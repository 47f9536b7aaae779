// The images that are missing on a node: names, digests, and those in a Node object.
import { describe, expect, it } from "vitest";
import type { ImageUse } from "../../../../src/core/images/image-use.js";
import {
  contentOfNode,
  findMissingImages,
  namesToFind,
  neededImages,
} from "../../../../src/core/install/missing-images.js";
import { imageOf, inventoryOf } from "../load/inventory-of.js";
import { named } from "../../../support/image-use.js";

const DIGEST = `sha256:${"a".repeat(64)}`;
const use = (normalized: string, required = true): ImageUse => ({
  reference: normalized,
  normalized: named(normalized),
  required,
  confidence: "certain",
  evidence: [
    {
      rule: "pod-spec",
      chart: "",
      template: "",
      object: "Pod apps/p",
      path: "spec.containers[0].image",
      value: normalized,
    },
  ],
});
const IMAGE = imageOf("docker.io/a/b:1");
const inventory = inventoryOf([IMAGE]);
const node = (name: string, complete: readonly (readonly [string, string])[]) => ({
  node: name,
  complete: new Map(complete),
});

describe("names to find", () => {
  it("contain only the digest of a reference with tag and digest, each once", () => {
    const both = use(`docker.io/a/b:1@${DIGEST}`);

    expect(namesToFind([both, both])).toEqual([`docker.io/a/b@${DIGEST}`]);
  });
});

describe("required images", () => {
  it("do not include those that the user allows to be missing", () => {
    const uses = [use("docker.io/library/c:latest"), use("docker.io/a/b:1"), use("docker.io/t/est:1", false)];

    expect(neededImages(uses, ["c"]).map(({ normalized }) => normalized)).toEqual(["docker.io/a/b:1"]);
  });
});

describe("an image of the bundle", () => {
  const find = (...complete: (readonly [string, string])[]) =>
    findMissingImages([use("docker.io/a/b:1")], inventory, [node("n1", complete)]);

  it("is present by its digest, or by its name when the digest is unknown", () => {
    expect(find(["docker.io/a/b:1", IMAGE.digest])).toEqual([]);
    expect(find(["docker.io/a/b:1", ""])).toEqual([]);
  });

  it("is missing with another digest, or without the name", () => {
    for (const missing of [find(["docker.io/a/b:1", DIGEST]), find()]) {
      expect(missing).toMatchObject([
        {
          image: "docker.io/a/b:1",
          nodes: ["n1"],
          isInBundle: true,
          usedBy: "Pod apps/p spec.containers[0].image",
        },
      ]);
    }
  });
});

describe("an image that is not in the bundle", () => {
  it("is missing only on nodes without its name, and is reported with the reason in the spec", () => {
    const excluding = { ...inventory, excluded: [{ reference: "a/own:1", reason: "ours" }] };
    const nodes = [node("n1", [["docker.io/a/own:1", DIGEST]]), node("n2", [])];

    expect(findMissingImages([use("docker.io/a/own:1")], excluding, nodes)).toMatchObject([
      { nodes: ["n2"], isInBundle: false, exclusion: "ours" },
    ]);
  });
});

describe("a Node object", () => {
  const objectWith = (images: readonly object[]) => ({ metadata: { name: "n1" }, status: { images } });

  it("lists names, which are normalized", () => {
    const content = contentOfNode(
      objectWith([{ names: ["busybox:1.36", `a/b@${DIGEST}`] }, { sizeBytes: 1 }]),
    );

    expect(content).toMatchObject({ node: "n1", mayHaveMore: false });
    expect([...content.complete.keys()]).toEqual([
      "docker.io/library/busybox:1.36",
      `docker.io/a/b@${DIGEST}`,
    ]);
  });

  it("lists at most fifty images, so a node that does not list an image is uncertain", () => {
    const content = contentOfNode(
      objectWith(Array.from({ length: 50 }, (_, i) => ({ names: [`a/b${i}:1`] }))),
    );

    expect(content.mayHaveMore).toBe(true);
    expect(findMissingImages([use("docker.io/a/b:1")], inventory, [content, node("n2", [])])).toMatchObject([
      { nodes: ["n1", "n2"], unsure: ["n1"] },
    ]);
  });

  it("may list no images yet", () => {
    expect(contentOfNode({ metadata: { name: "new" } })).toMatchObject({ node: "new", mayHaveMore: false });
  });
});
