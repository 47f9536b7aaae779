// Opening a bundle: facts that do not match bundle.json are rejected, and bundles without facts are
// accepted.
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBundle } from "../../../../src/adapters/bundle-file/open-bundle.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";
import type { OpenBundle } from "../../../../src/workflows/ports.js";
import { bundleOf } from "../../../support/bundle-of.js";

describe("openBundle", () => {
  let folder: string;
  let bundle: OpenBundle;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-open-"));
    bundle = await bundleOf(folder, "bundle", [
      { seed: "a", mediaTypes: "oci", layers: [1000], reference: "quay.io/org/a:1" },
    ]);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const copyWith = (name: string, change: (bytes: Buffer) => Buffer): string => {
    const file = join(folder, name);
    writeFileSync(file, change(readFileSync(bundle.file)));
    return file;
  };

  it("finds facts right after bundle.json", () => {
    expect(bundle.inventory.files[0]?.path).toBe("facts");
  });

  it("finds every blob and the end at the offsets in facts, relative to the end of facts", async () => {
    const { offset, size } = bundle.locate("facts");
    const start = offset + Math.ceil(size / 512) * 512;
    const lines = Buffer.from(await bundle.read(offset, size))
      .toString()
      .split("\n");
    const placed = lines.flatMap((line) => /^blob (\S+) \d+ (\d+)$/.exec(line)?.slice(1) ?? []);

    expect(placed).toEqual(
      [...bundle.blobs.values()].flatMap((blob) => [blob.digest, String(blob.offset - start)]),
    );
    expect(lines.at(-2)).toBe(`end ${bundle.size - start}`);
  });

  it("rejects facts that do not follow from bundle.json, although it has their checksum", async () => {
    const { offset, size } = bundle.locate("facts");
    const file = copyWith("changed", (bytes) => {
      const facts = bytes.toString("latin1", offset, offset + size).replace("linux/amd64", "linux/arm64");
      const [old = "", changed] = [bundle.inventory.files[0]?.sha256, hexOf(digestOf(facts))];
      bytes.write(facts, offset);
      return Buffer.from(bytes.toString("latin1").replace(old, changed), "latin1");
    });

    await expect(openBundle(file)).rejects.toMatchObject({ code: "BUNDLE_INVALID", subject: file });
  });

  it("reads a bundle of an older version without facts", async () => {
    const { offset, size } = bundle.locate("facts");
    const room = 512 + Math.ceil(size / 512) * 512;
    const json = bundle.locate("bundle.json");
    const file = copyWith("before", (bytes) => {
      const inventory = JSON.parse(bytes.toString("utf8", json.offset, json.offset + json.size)) as {
        readonly files: readonly unknown[];
        readonly blobs: readonly { readonly offset: number }[];
      };
      const older = {
        ...inventory,
        files: inventory.files.slice(1),
        blobs: inventory.blobs.map((blob) => ({ ...blob, offset: blob.offset - room })),
      };
      bytes.fill(" ", json.offset, json.offset + json.size).write(JSON.stringify(older), json.offset);
      return Buffer.concat([bytes.subarray(0, offset - 512), bytes.subarray(offset - 512 + room)]);
    });

    expect((await openBundle(file)).inventory.images).toEqual(bundle.inventory.images);
  });
});
