// Parsing `bundle.json`: invalid content is rejected with the name of the field.
import { describe, expect, it, vi } from "vitest";
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
  manifests: [{ mediaType: "a/b", digest: DIGEST, size: 1 }],
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

const parse = (value: unknown) => parseInventory(Buffer.from(JSON.stringify(value)), "test.bundle");

const refusal = (json: string): unknown => {
  try {
    return parseInventory(Buffer.from(json), "test.bundle");
  } catch (error) {
    return error;
  }
};

describe("parseInventory", () => {
  it("parses the output of a build", () => {
    expect(parse(inventory)).toEqual(inventory);
  });

  it.each([["2"], [undefined], [null], ["1"]])("rejects format %j as unsupported", (formatVersion) => {
    expect(() => parse({ ...inventory, formatVersion })).toThrow(
      expect.objectContaining({ code: "BUNDLE_UNSUPPORTED" }),
    );
  });

  it("parses that of a differential bundle, whose blobs may be in the base", () => {
    const { blobs } = inventory;
    const difference = {
      ...inventory,
      blobs: blobs.map(({ digest, size }) => ({ digest, size })),
      base: { name: "app", version: "1.0.0", digest: DIGEST },
      whole: { digest: DIGEST, size: 10240 },
    };
    expect(blobs).not.toEqual([]);
    expect(parse(difference)).toEqual(difference);
  });

  it.each([
    [{ base: { digest: DIGEST } }],
    [{ base: "base.bundle" }],
    [{ base: { name: "app", version: "1.0.0", digest: DIGEST } }],
    [{ whole: { digest: DIGEST, size: 10240 } }],
  ])("rejects a base that is not complete, %j", (fields) => {
    expect(() => parse({ ...inventory, ...fields })).toThrow(
      expect.objectContaining({ code: "BUNDLE_INVALID", hint: expect.any(String) as string }),
    );
  });

  it("rejects text that is not JSON", () => {
    expect(() => parseInventory(Buffer.from("{"), "test.bundle")).toThrow(
      expect.objectContaining({ code: "BUNDLE_INVALID" }),
    );
  });

  it.each([
    [
      "a name that is no full reference",
      { images: [{ ...image, names: ["busybox; reboot"] }] },
      "images[0].names[0]",
    ],
    [
      "a path that leaves the bundle",
      { files: [{ path: "../etc/passwd", sha256: hexOf(DIGEST), size: 1 }] },
      "files[0].path",
    ],
    [
      "an absolute path",
      { files: [{ path: "/etc/passwd", sha256: hexOf(DIGEST), size: 1 }] },
      "files[0].path",
    ],
    ["a negative offset", { blobs: [{ digest: DIGEST, size: 1, offset: -1 }] }, "blobs[0].offset"],
    ["a digest that is none", { blobs: [{ digest: "md5:1", size: 1, offset: 1 }] }, "blobs[0].digest"],
    ["no images", { images: undefined }, "images"],
  ])("rejects %s with the field", (_, change, field) => {
    expect(() => parse({ ...inventory, ...change })).toThrow(
      expect.objectContaining({ code: "BUNDLE_INVALID", message: expect.stringContaining(field) as string }),
    );
  });

  it("ignores unknown fields, regardless of their names", () => {
    const text = JSON.stringify(inventory).replace(
      '{"formatVersion"',
      '{"__proto__":{"base":1},"toString":2,"formatVersion"',
    );
    expect(parseInventory(Buffer.from(text), "test.bundle")).toEqual(inventory);
  });

  it("reports at most ten fields, and that there are others", () => {
    const images = Array.from({ length: 12 }, () => ({ ...image, rebuilt: "no" }));
    const error = refusal(JSON.stringify({ ...inventory, images }));
    expect(error).toMatchObject({ code: "BUNDLE_INVALID", subject: "test.bundle" });
    const { message } = error as Error;
    expect(message.match(/images\[\d+\]\.rebuilt/g)).toHaveLength(10);
    expect(message).toMatch(/\bmore\b/);
  });

  it.each([
    ["is nested without end", `{"a":${"[".repeat(5_000_000)}`],
    ["has values without end", `{"images":[${"0,".repeat(3_000_000)}0]}`],
    ["is larger than anybody needs", `{"a":"${"x".repeat(70_000_000)}"}`],
  ])("rejects a document that %s before it is parsed", (_, text) => {
    const parse = vi.spyOn(JSON, "parse");
    try {
      expect(refusal(text)).toMatchObject({ code: "BUNDLE_INVALID", subject: "test.bundle" });
      expect(parse).not.toHaveBeenCalled();
    } finally {
      parse.mockRestore();
    }
  });

  it("counts what stands in strings neither as depth nor as values", () => {
    const tool = `${"[".repeat(100)}\\"${"{,".repeat(500_000)}`;
    const createdFrom = { spec: DIGEST, tool };
    expect(parse({ ...inventory, createdFrom })).toMatchObject({ createdFrom });
  });
});
