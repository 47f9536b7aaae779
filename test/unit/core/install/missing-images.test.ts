// What counts as missing on a node: names, digests, and what a Node object tells of them.
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
  it("are the digest alone of a reference that has a tag, too, each once", () => {
    const both = use(`docker.io/a/b:1@${DIGEST}`);

    expect(namesToFind([both, both])).toEqual([`docker.io/a/b@${DIGEST}`]);
  });
});

describe("images that are needed", () => {
  it("are those that are required, but for what the user allows to be missing", () => {
    const uses = [use("docker.io/library/c:latest"), use("docker.io/a/b:1"), use("docker.io/t/est:1", false)];

    expect(neededImages(uses, ["c"]).map(({ normalized }) => normalized)).toEqual(["docker.io/a/b:1"]);
  });
});

describe("an image of the bundle", () => {
  const find = (...complete: (readonly [string, string])[]) =>
    findMissingImages([use("docker.io/a/b:1")], inventory, [node("n1", complete)]);

  it("is there by its digest, or by its name where nobody says which digest", () => {
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

describe("an image that is in no bundle", () => {
  it("is missing on the nodes without its name only, and the spec's reason comes along", () => {
    const excluding = { ...inventory, excluded: [{ reference: "a/own:1", reason: "ours" }] };
    const nodes = [node("n1", [["docker.io/a/own:1", DIGEST]]), node("n2", [])];

    expect(findMissingImages([use("docker.io/a/own:1")], excluding, nodes)).toMatchObject([
      { nodes: ["n2"], isInBundle: false, exclusion: "ours" },
    ]);
  });
});

describe("a Node object", () => {
  const objectWith = (images: readonly object[]) => ({ metadata: { name: "n1" }, status: { images } });

  it("tells names, which are spelled out", () => {
    const content = contentOfNode(
      objectWith([{ names: ["busybox:1.36", `a/b@${DIGEST}`] }, { sizeBytes: 1 }]),
    );

    expect(content).toMatchObject({ node: "n1", mayHaveMore: false });
    expect([...content.complete.keys()]).toEqual([
      "docker.io/library/busybox:1.36",
      `docker.io/a/b@${DIGEST}`,
    ]);
  });

  it("tells fifty images at most, so that one more may be there: a node that lacks it is unsure", () => {
    const content = contentOfNode(
      objectWith(Array.from({ length: 50 }, (_, i) => ({ names: [`a/b${i}:1`] }))),
    );

    expect(content.mayHaveMore).toBe(true);
    expect(findMissingImages([use("docker.io/a/b:1")], inventory, [content, node("n2", [])])).toMatchObject([
      { nodes: ["n1", "n2"], unsure: ["n1"] },
    ]);
  });

  it("may tell nothing yet", () => {
    expect(contentOfNode({ metadata: { name: "new" } })).toMatchObject({ node: "new", mayHaveMore: false });
  });
});
