// Reading `bundle.json`: what is not one is refused, by name of the field.
import { describe, expect, it } from "vitest";
import { FORMAT_VERSION, parseInventory } from "../../../../src/core/bundle/inventory.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";

const DIGEST = digestOf("x");

const image = {
  reference: "busybox",
  normalized: "docker.io/library/busybox:latest",
  required: true,
  confidence: "certain",
  evidence: [],
  names: ["docker.io/library/busybox:latest"],
  digest: DIGEST,
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [{ mediaType: "m", digest: DIGEST, size: 1 }],
  rebuilt: false,
  platforms: [],
};
const inventory = {
  formatVersion: FORMAT_VERSION,
  name: "test",
  version: "1",
  createdFrom: { spec: DIGEST, tool: "test" },
  platforms: ["linux/amd64"],
  apiVersions: [],
  releases: [],
  images: [image],
  excluded: [],
  warnings: [],
  files: [{ path: "charts/a-1.tgz", sha256: hexOf(DIGEST), size: 3 }],
  blobs: [{ digest: DIGEST, size: 1, offset: 512 }],
};

const parse = (value: unknown) => parseInventory(JSON.stringify(value), "test.bundle");

describe("parseInventory", () => {
  it("reads what a build wrote", () => {
    expect(parse(inventory)).toEqual(inventory);
  });

  it.each([["2"], [undefined], [null], ["1"]])("refuses format %j as unsupported", (formatVersion) => {
    expect(() => parse({ ...inventory, formatVersion })).toThrow(
      expect.objectContaining({ code: "BUNDLE_UNSUPPORTED" }),
    );
  });

  it.each([[{ digest: DIGEST }], ["base.bundle"]])("refuses one that needs a base, %j", (base) => {
    expect(() => parse({ ...inventory, base })).toThrow(
      expect.objectContaining({ code: "BUNDLE_UNSUPPORTED", hint: expect.any(String) as string }),
    );
  });

  it("refuses what is no JSON", () => {
    expect(() => parseInventory("{", "test.bundle")).toThrow(
      expect.objectContaining({ code: "BUNDLE_INVALID" }),
    );
  });

  it.each([
    [
      "a name that is no full reference",
      { images: [{ ...image, names: ["busybox; reboot"] }] },
      "images.0.names.0",
    ],
    [
      "a path that leaves the bundle",
      { files: [{ path: "../etc/passwd", sha256: hexOf(DIGEST), size: 1 }] },
      "files.0.path",
    ],
    [
      "an absolute path",
      { files: [{ path: "/etc/passwd", sha256: hexOf(DIGEST), size: 1 }] },
      "files.0.path",
    ],
    ["a negative offset", { blobs: [{ digest: DIGEST, size: 1, offset: -1 }] }, "blobs.0.offset"],
    ["a digest that is none", { blobs: [{ digest: "md5:1", size: 1, offset: 1 }] }, "blobs.0.digest"],
    ["no images", { images: undefined }, "images"],
  ])("refuses %s and names the field", (_, change, field) => {
    expect(() => parse({ ...inventory, ...change })).toThrow(
      expect.objectContaining({ code: "BUNDLE_INVALID", message: expect.stringContaining(field) as string }),
    );
  });
});
