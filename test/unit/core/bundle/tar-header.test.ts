// Tar headers: written headers are read correctly, also by other programs.
import { extract } from "tar-stream";
import { describe, expect, it } from "vitest";
import {
  formatTarHeader,
  paddedSize,
  parseTarHeader,
  TAR_BLOCK,
} from "../../../../src/core/bundle/tar-header.js";

const EIGHT_GIB = 8 * 2 ** 30;

describe("formatTarHeader", () => {
  it.each([0, 1, 511, EIGHT_GIB - 1, EIGHT_GIB, 3 * EIGHT_GIB + 7])(
    "preserves a size of %d bytes",
    (size) => {
      expect(parseTarHeader(formatTarHeader("blobs/sha256/ab", size), "test")).toEqual({
        name: "blobs/sha256/ab",
        size,
      });
    },
  );

  it.each([5, 3 * EIGHT_GIB])("writes a header that tar-stream reads, for %d bytes", async (size) => {
    const parser = extract();
    const header = new Promise<{ name: string; size?: number | undefined; mode?: number | undefined }>(
      (resolve) => {
        parser.on("entry", resolve);
      },
    );
    parser.write(formatTarHeader("load.sh", size));

    expect(await header).toMatchObject({ name: "load.sh", size, mode: 0o755 });
  });

  it("preserves a long name, which tar-stream also reads", async () => {
    const name = `charts/${"r".repeat(53)}/${"c".repeat(80)}-1.0.0.tgz`;
    const parser = extract();
    const header = new Promise<{ name: string }>((resolve) => {
      parser.on("entry", resolve);
    });
    parser.write(formatTarHeader(name, 5));

    expect(parseTarHeader(formatTarHeader(name, 5), "test")).toEqual({ name, size: 5 });
    expect(await header).toMatchObject({ name });
  });

  it("rejects a name that would be truncated", () => {
    expect(() => formatTarHeader("x".repeat(101), 1)).toThrow(RangeError);
  });
});

describe("parseTarHeader", () => {
  it("reads a block of zeros as the end", () => {
    expect(parseTarHeader(Buffer.alloc(TAR_BLOCK), "test")).toBeUndefined();
  });

  it("rejects a header with a changed byte", () => {
    const header = formatTarHeader("bundle.json", 10);
    header.write("B", 0);

    expect(() => parseTarHeader(header, "test")).toThrow(expect.objectContaining({ code: "BUNDLE_INVALID" }));
  });

  it.each(["1", "2", "5"])("rejects an entry of type %s, which is not a regular file", (type) => {
    const header = formatTarHeader("bundle.json", 10);
    header.write(type, 156);
    const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);

    expect(() => parseTarHeader(header, "test")).toThrow(expect.objectContaining({ code: "BUNDLE_INVALID" }));
  });

  it.each(["none at all", "-0000000001", "\0"])("rejects the size %j", (size) => {
    const header = formatTarHeader("bundle.json", 10);
    header.write(size.padEnd(12, "\0"), 124);
    const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);

    expect(() => parseTarHeader(header, "test")).toThrow(expect.objectContaining({ code: "BUNDLE_INVALID" }));
  });
});

describe("paddedSize", () => {
  it("rounds up to whole blocks", () => {
    expect([0, 1, 512, 513].map(paddedSize)).toEqual([0, 512, 512, 1024]);
  });
});
