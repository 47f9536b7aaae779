// The uncompressed size of a layer from its last bytes.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { uncompressedSize } from "../../../../src/core/oci/uncompressed-size.js";

const GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";

describe("uncompressedSize", () => {
  it.each([GZIP, DOCKER_GZIP])("reads the trailer of %s", (mediaType) => {
    const layer = gzipSync(Buffer.alloc(100_000, "x"));

    expect(uncompressedSize(mediaType, layer.length, layer.subarray(-4))).toBe(100_000);
  });

  it("returns the size of a plain tar", () => {
    expect(uncompressedSize("application/vnd.oci.image.layer.v1.tar", 10_240, new Uint8Array())).toBe(10_240);
  });

  it("ignores the trailer of a layer with several members", () => {
    const random = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 251));
    const layer = Buffer.concat([gzipSync(random, { level: 0 }), gzipSync(Buffer.from("index"))]);

    expect(uncompressedSize(GZIP, layer.length, layer.subarray(-4))).toBeNull();
  });

  it.each([
    ["a zstd layer", "application/vnd.oci.image.layer.v1.tar+zstd", 5000],
    ["a layer whose 32-bit size may have wrapped", GZIP, 2 ** 30],
  ])("returns null for %s", (_, mediaType, size) => {
    expect(uncompressedSize(mediaType, size, Buffer.from([1, 2, 3, 4]))).toBeNull();
  });

  it("returns null when the end could not be read", () => {
    expect(uncompressedSize(GZIP, 5000, new Uint8Array())).toBeNull();
  });
});
