// The output of `docker save` of other engines, as archives of the test: the containerd image
// store, invalid archives.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DockerSource, type ImageEngine } from "../../../../src/adapters/docker/docker-source.js";
import { digestOf, hexOf } from "../../../../src/core/oci/digest.js";
import type { ResolvedImage } from "../../../../src/core/images/resolved-image.js";
import { imageUse } from "../../../support/image-use.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "viola-saved-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const layer = Buffer.from("a layer, uncompressed".repeat(1000));
const blobName = (bytes: Uint8Array): string => `blobs/sha256/${hexOf(digestOf(bytes))}`;

function config(...diffIds: string[]): Buffer {
  const rootfs = { type: "layers", diff_ids: diffIds };
  return Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", rootfs }));
}

function engineWith(files: Readonly<Record<string, Buffer>>): ImageEngine {
  const tar = pack();
  for (const [name, bytes] of Object.entries(files)) tar.entry({ name }, bytes);
  tar.finalize();
  return {
    inspectImage: () => Promise.resolve({}),
    saveImage: () => Promise.resolve(Readable.from(tar)),
  };
}

function archive(configBytes: Buffer, layers: readonly Buffer[]): Record<string, Buffer> {
  const list = [{ Config: blobName(configBytes), RepoTags: ["x"], Layers: layers.map(blobName) }];
  return {
    ...Object.fromEntries([configBytes, ...layers].map((bytes) => [blobName(bytes), bytes])),
    "manifest.json": Buffer.from(JSON.stringify(list)),
  };
}

function resolve(engine: ImageEngine, reference = "quay.io/a/b:1"): Promise<ResolvedImage> {
  const platform = { os: "linux", architecture: "amd64" };
  return new DockerSource(engine, folder).resolveImage(
    imageUse(reference),
    [platform],
    new AbortController().signal,
  );
}

describe("DockerSource", () => {
  it("keeps layers that the engine stores compressed as they are", async () => {
    const gzip = gzipSync(layer);
    const image = await resolve(engineWith(archive(config(digestOf(layer)), [gzip])));

    expect(image.platforms[0]!.layers).toEqual([
      { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: digestOf(gzip), size: gzip.length },
    ]);
    const place = image.sources.get(digestOf(gzip));
    if (place?.kind !== "file") throw new Error("the layer is in no file");
    const stored = readFileSync(place.file).subarray(place.offset, place.offset + gzip.length);
    expect(stored.equals(gzip)).toBe(true);
  });

  it("rejects a layer that does not match the config", async () => {
    const engine = engineWith(archive(config(digestOf("another")), [layer]));

    await expect(resolve(engine)).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
      subject: "quay.io/a/b:1",
    });
  });

  it("rejects an incomplete archive", async () => {
    const whole = archive(config(digestOf(layer)), [layer]);
    for (const missing of Object.keys(whole)) {
      const rest = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== missing));

      await expect(resolve(engineWith(rest))).rejects.toMatchObject({ code: "DOCKER_UNAVAILABLE" });
    }
  });

  it("fails when the engine's stream breaks", async () => {
    const broken: ImageEngine = {
      inspectImage: () => Promise.resolve({}),
      saveImage: () =>
        Promise.resolve(
          new Readable({
            read() {
              this.destroy(new Error("gone"));
            },
          }),
        ),
    };

    await expect(resolve(broken)).rejects.toMatchObject({ code: "DOCKER_UNAVAILABLE" });
  });

  it("rejects a reference with a digest, because it cannot be kept", async () => {
    const engine = engineWith(archive(config(digestOf(layer)), [layer]));

    await expect(resolve(engine, `quay.io/a/b@${digestOf("x")}`)).rejects.toMatchObject({
      code: "IMAGE_UNSUPPORTED",
    });
  });
});
