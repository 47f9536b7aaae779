// Generated images: the same bytes for the same options, the requested sizes, and images that real
// tools accept.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { afterAll, describe, expect, test } from "vitest";
import { makeImage, type ImageOptions } from "../../../scripts/parts/images.js";
import { blobPath, makeLayer } from "../../../scripts/parts/layers.js";
import { makeViolaImages, VIOLA_REFERENCES } from "../../../scripts/parts/viola-images.js";

const folders: string[] = [];
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "viola-images-"));
  folders.push(folder);
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const base = { seed: "a base", bytes: 300_000 };
const options: ImageOptions = { seed: "one", mediaTypes: "oci", layers: [base, 1_000_000] };

function readManifest(folder: string, digest: string): Record<string, unknown> {
  return JSON.parse(readFileSync(blobPath(folder, digest), "utf8")) as Record<string, unknown>;
}

describe("makeLayer", () => {
  test("has the requested size within one percent, and a tar that is half as large again", () => {
    const layer = makeLayer(newFolder(), { seed: "size", bytes: 5_000_000 });
    expect(layer.size / 5_000_000).toBeCloseTo(1, 2);
    expect(layer.uncompressedSize / layer.size).toBeCloseTo(1.5, 1);
  });

  test("is the gzip of a tar whose digest is the diff id", async () => {
    const folder = newFolder();
    const layer = makeLayer(folder, { seed: "tar", bytes: 400_000 });
    const zipped = readFileSync(blobPath(folder, layer.digest));
    expect(`sha256:${createHash("sha256").update(zipped).digest("hex")}`).toBe(layer.digest);
    const tar = gunzipSync(zipped);
    expect(`sha256:${createHash("sha256").update(tar).digest("hex")}`).toBe(layer.diffId);
    expect(tar.length).toBe(layer.uncompressedSize);
    let files = 0;
    const entries = extract();
    entries.end(tar);
    for await (const entry of entries) {
      if (entry.header.type === "file") files++;
      entry.resume();
    }
    expect(files).toBeGreaterThan(0);
  });
});

describe("makeImage", () => {
  test("is reproducible, and differs for another seed", () => {
    const [one, again] = [newFolder(), newFolder()];
    const image = makeImage(one, options);
    expect(makeImage(again, options)).toEqual(image);
    expect(readdirSync(join(again, "sha256"))).toEqual(readdirSync(join(one, "sha256")));
    expect(makeImage(one, { ...options, seed: "two" }).root.digest).not.toBe(image.root.digest);
  });

  test("shares a layer with the same seed between images", () => {
    const folder = newFolder();
    const one = makeImage(folder, options);
    const two = makeImage(folder, { ...options, seed: "two" });
    expect(two.platforms[0]?.layers[0]).toEqual(one.platforms[0]?.layers[0]);
    expect(two.platforms[0]?.layers[1]).not.toEqual(one.platforms[0]?.layers[1]);
  });

  test("creates an OCI index of two platforms and an attestation of the first", () => {
    const folder = newFolder();
    const image = makeImage(folder, options);
    expect(image.root.mediaType).toBe("application/vnd.oci.image.index.v1+json");
    expect(image.children.map(({ platform }) => `${platform?.os}/${platform?.architecture}`)).toEqual([
      "linux/amd64",
      "linux/arm64",
      "unknown/unknown",
    ]);
    expect(image.children[2]?.annotations).toEqual({
      "vnd.docker.reference.digest": image.children[0]?.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    });
    expect(readManifest(folder, image.root.digest)["manifests"]).toEqual(image.children);
  });

  test("creates a Docker manifest list and Docker layers", () => {
    const image = makeImage(newFolder(), { ...options, mediaTypes: "docker" });
    expect(image.root.mediaType).toBe("application/vnd.docker.distribution.manifest.list.v2+json");
    expect(image.children).toHaveLength(2);
    expect(image.platforms[0]?.layers[0]?.mediaType).toBe(
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
    );
  });

  test("creates only a manifest without an index", () => {
    const image = makeImage(newFolder(), { ...options, index: false });
    expect(image.root.mediaType).toBe("application/vnd.oci.image.manifest.v1+json");
    expect(image.children).toEqual([]);
  });
});

describe("makeViolaImages", () => {
  test("creates the 17 images with one shared layer, in proportion to the scale", () => {
    const images = makeViolaImages(newFolder(), 0.003);
    expect(images).toHaveLength(17);
    expect(new Set(VIOLA_REFERENCES).size).toBe(17);
    const layers = images.flatMap(({ image }) => image.platforms[0]?.layers ?? []);
    expect(new Set(images.map(({ image }) => image.platforms[0]?.layers[0]?.digest)).size).toBe(1);
    const unique = new Map(layers.map(({ digest, size }) => [digest, size]));
    expect(unique.size).toBe(52);
    const total = [...unique.values()].reduce((sum, size) => sum + size, 0);
    expect(total / (0.003 * 1.52e9)).toBeCloseTo(1, 1);
  });
});
