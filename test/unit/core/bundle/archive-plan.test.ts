// The archive plan: no overlaps, shared blobs once, the same plan for the same input.
import { describe, expect, it } from "vitest";
import { isSealed } from "../../../../src/core/bundle/inventory-checksum.js";
import { parseInventory } from "../../../../src/core/bundle/inventory.js";
import {
  finishInventory,
  planArchive,
  type ArchiveInput,
  type ArchivePlan,
} from "../../../../src/core/bundle/archive-plan.js";
import { parseTarHeader, TAR_BLOCK } from "../../../../src/core/bundle/tar-header.js";
import type { ResolvedImage } from "../../../../src/core/images/resolved-image.js";
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { imageUse, named } from "../../../support/image-use.js";
import { inventoryImage } from "../../../../src/core/bundle/inventory.js";

const GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";

function image(name: string, layers: readonly (readonly [string, number])[]): ResolvedImage {
  const source = { kind: "registry", registry: "r.example", repository: name } as const;
  const manifest = Buffer.from(`manifest of ${name}`);
  const index = Buffer.from(`index of ${name}`);
  const descriptor = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
    bytes,
  });
  const config = { mediaType: OCI_CONFIG, digest: digestOf(`config of ${name}`), size: 700 };
  const described = layers.map(([seed, size]) => ({ mediaType: GZIP, digest: digestOf(seed), size }));
  const manifests = [descriptor(OCI_INDEX, index), descriptor(OCI_MANIFEST, manifest)];
  return {
    use: imageUse(`r.example/${name}:1`),
    names: [named(`r.example/${name}:1`)],
    root: manifests[0]!,
    manifests,
    platforms: [
      {
        platform: { os: "linux", architecture: "amd64" },
        manifest: manifests[1]!,
        config,
        layers: described,
      },
    ],
    sources: new Map([config, ...described].map(({ digest }) => [digest, source])),
    rebuilt: false,
  };
}

function input(images: readonly ResolvedImage[]): ArchiveInput {
  return {
    inventory: {
      formatVersion: 1,
      name: "test",
      version: "1",
      createdFrom: { spec: digestOf(""), tool: "test" },
      platforms: ["linux/amd64"],
      apiVersions: [],
      releases: [],
      images: images.map(inventoryImage),
      excluded: [],
      warnings: [],
    },
    files: [{ path: "README.txt", bytes: Buffer.from("read me"), sha256: "00".repeat(32) }],
    images,
  };
}

/** Writes all pieces to a buffer, with zeros for blobs. */
function assemble(plan: ArchivePlan, sizes = new Map<string, number | null>()): Buffer {
  const file = Buffer.alloc(plan.size);
  for (const { offset, bytes } of [...plan.pieces, finishInventory(plan, sizes)]) file.set(bytes, offset);
  return file;
}

function entriesOf(tar: Buffer): readonly { name: string; size: number; offset: number }[] {
  const entries = [];
  for (let offset = 0; offset < tar.length;) {
    const entry = parseTarHeader(tar.subarray(offset), "test");
    if (entry === undefined) break;
    entries.push({ ...entry, offset: offset + TAR_BLOCK });
    offset += TAR_BLOCK + Math.ceil(entry.size / TAR_BLOCK) * TAR_BLOCK;
  }
  return entries;
}

const shared = ["shared base", 5000] as const;
const images = [image("b", [shared, ["own b", 123]]), image("a", [shared, ["own a", 70_000]])];

describe("planArchive", () => {
  it("plans a tar whose last entry is a tar with every blob once", () => {
    const plan = planArchive(input(images));
    const file = assemble(plan);
    const outer = entriesOf(file);
    const inner = entriesOf(file.subarray(outer.at(-1)!.offset));

    expect(outer.map(({ name }) => name)).toEqual(["bundle.json", "facts", "README.txt", "images.tar"]);
    expect(inner.slice(0, 3).map(({ name }) => name)).toEqual(["oci-layout", "index.json", "manifest.json"]);
    expect(inner.slice(3)).toHaveLength(4 + 2 + 3);
    expect(new Set(inner.map(({ name }) => name)).size).toBe(inner.length);
    expect(file.length % TAR_BLOCK).toBe(0);
  });

  it("reserves space for an included file, with the file as source", () => {
    const bytes = Buffer.from("a program");
    const sha256 = digestOf(bytes).slice(7);
    const carried = { path: "bin/tool", file: "/local/tool", size: bytes.length, sha256 };
    const before = input(images);
    const plan = planArchive({ ...before, files: [...before.files, carried] });
    const entry = entriesOf(assemble(plan)).find(({ name }) => name === "bin/tool");

    expect(plan.blobs).toContainEqual({
      digest: digestOf(bytes),
      size: bytes.length,
      offset: entry?.offset,
      sources: [{ kind: "file", file: "/local/tool", offset: 0 }],
      image: "bin/tool",
    });
    expect(plan.inventory.files).toContainEqual({ path: "bin/tool", sha256, size: bytes.length });
    expect(plan.inventory.blobs.map(({ digest }) => digest)).not.toContain(digestOf(bytes));
  });

  it("lists images for the host where docker reads names, and not where nodes do", () => {
    const host = image("kind-node", [["node", 9000]]);
    const before = input(images);
    const inventory = { ...before.inventory, hostImages: [inventoryImage(host)] };
    const file = assemble(planArchive({ ...before, inventory, images: [...images, host] }));
    const inner = file.subarray(entriesOf(file).at(-1)!.offset);
    const text = (path: string): string => {
      const { offset, size } = entriesOf(inner).find(({ name }) => name === path)!;
      return inner.toString("utf8", offset, offset + size);
    };

    expect(text("manifest.json")).toContain("r.example/kind-node:1");
    expect(text("index.json")).not.toContain("r.example/kind-node:1");
    expect(entriesOf(inner).map(({ name }) => name)).toContain(`blobs/sha256/${digestOf("node").slice(7)}`);
  });

  it("has the offset of each blob in bundle.json", () => {
    const plan = planArchive(input(images));
    const file = assemble(plan);
    const images_ = entriesOf(file).at(-1)!;
    const inner = new Map(entriesOf(file.subarray(images_.offset)).map((entry) => [entry.name, entry]));

    for (const { digest, size, offset } of plan.inventory.blobs) {
      const entry = inner.get(`blobs/sha256/${digest.slice(7)}`)!;
      expect({ size, offset }).toEqual({ size: entry.size, offset: images_.offset + entry.offset });
    }
  });

  it("fills the largest blob first", () => {
    const sizes = planArchive(input(images)).blobs.map(({ size }) => size);

    expect(sizes).toEqual([...sizes].sort((one, other) => other - one));
  });

  it("is reproducible, regardless of the order of blobs", () => {
    const [b, a] = images;
    const reordered = { ...input(images), images: [a!, b!] };

    expect(assemble(planArchive(input(images)))).toEqual(assemble(planArchive(reordered)));
  });

  it("has both repositories as sources of an image", () => {
    const plan = planArchive(input(images));
    const base = plan.blobs.find(({ digest }) => digest === digestOf("shared base"))!;

    expect(base.sources).toEqual([
      { kind: "registry", registry: "r.example", repository: "b" },
      { kind: "registry", registry: "r.example", repository: "a" },
    ]);
  });
});

describe("finishInventory", () => {
  it("fills the planned space, regardless of the sizes", () => {
    const plan = planArchive(input(images));
    const all = plan.blobs.map(({ digest }) => digest);

    for (const size of [null, 0, 4_294_967_295]) {
      const { bytes, inventory } = finishInventory(plan, new Map(all.map((digest) => [digest, size])));
      expect(bytes).toHaveLength(plan.inventorySize);
      expect(parseInventory(bytes, "test")).toEqual(inventory);
      expect(isSealed(Buffer.from(bytes))).toBe(true);
      expect(inventory.images[0]!.platforms[0]!.layers[0]!.uncompressedSize).toBe(size);
    }
  });
});
