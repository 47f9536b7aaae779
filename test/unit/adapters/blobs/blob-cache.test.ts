// The cache of blobs: what is kept, what is not, and what is found again.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { BlobCache } from "../../../../src/adapters/blobs/blob-cache.js";
import { digestOf } from "../../../../src/core/oci/digest.js";

const BYTES = Buffer.from("a layer".repeat(1000));
const BLOB = { digest: digestOf(BYTES), size: BYTES.length };
let folder = "";
let cache: BlobCache;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-cache-"));
  cache = new BlobCache(join(folder, "blobs"));
});
afterEach(() => rm(folder, { recursive: true }));

const keep = (source: Readable) => pipeline(source, cache.keep(BLOB.digest), (stream) => buffer(stream));

it("keeps what passes, and finds it by digest and size", async () => {
  expect(await cache.find(BLOB)).toBeUndefined();
  expect(await keep(Readable.from([BYTES.subarray(0, 10), BYTES.subarray(10)]))).toEqual(BYTES);

  const found = await cache.find(BLOB);
  expect(found).toMatchObject({ kind: "file", offset: 0 });
  expect(await buffer(cache.read(found!, BLOB.digest))).toEqual(BYTES);
  expect(await cache.find({ ...BLOB, size: 1 })).toBeUndefined();
});

it("keeps nothing of a stream that fails", async () => {
  const failing = Readable.from(
    (function* () {
      yield BYTES.subarray(0, 10);
      throw new Error("broken");
    })(),
  );

  await expect(keep(failing)).rejects.toThrow("broken");
  expect(await readdir(join(folder, "blobs"))).toEqual([]);
});

it("passes everything on where it cannot write", async () => {
  await writeFile(join(folder, "blobs"), "a file");

  expect(await keep(Readable.from([BYTES]))).toEqual(BYTES);
});

it("fails for damaged content, and removes it", async () => {
  await keep(Readable.from([BYTES]));
  const found = await cache.find(BLOB);
  await writeFile(found!.file, Buffer.alloc(BYTES.length));

  await expect(buffer(cache.read(found!, BLOB.digest))).rejects.toThrow("damaged");
  expect(await cache.find(BLOB)).toBeUndefined();
});
