// The cache of blobs: what is kept, what is not, and what is found again.
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BlobCache } from "../../../../src/adapters/blobs/blob-cache.js";
import { digestOf, type Digest } from "../../../../src/core/oci/digest.js";

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

describe("trim", () => {
  const HOUR_MS = 60 * 60 * 1000;
  const signal = new AbortController().signal;

  /** Stores `text` as if it was last used `ageMs` ago. Returns its digest. */
  async function storeAged(text: string, ageMs: number): Promise<Digest> {
    const file = join(folder, "source");
    await writeFile(file, `some other bytes ${text}`);
    const digest = digestOf(text);
    const source = { kind: "file", file, offset: "some other bytes ".length } as const;
    await cache.store({ digest, size: text.length }, source, signal);
    await age(digest.slice("sha256:".length), ageMs);
    return digest;
  }
  async function age(name: string, ageMs: number): Promise<void> {
    const then = new Date(Date.now() - ageMs);
    await utimes(join(folder, "blobs", name), then, then);
  }

  it("removes what was not used for the longest time", async () => {
    const [old, middle, recent] = [
      await storeAged("old", 3 * HOUR_MS),
      await storeAged("middle", 2 * HOUR_MS),
      await storeAged("recent", HOUR_MS),
    ];
    await cache.find({ digest: old, size: "old".length });

    await cache.trim("old".length + "recent".length);

    expect(new Set((await cache.list()).map(({ digest }) => digest))).toEqual(new Set([old, recent]));
    expect(await cache.find({ digest: middle, size: "middle".length })).toBeUndefined();
  });

  it("removes the incomplete files of processes that ended, and no other", async () => {
    const digest = await storeAged("a blob", 0);
    const name = digest.slice("sha256:".length);
    for (const suffix of ["abandoned", "growing"])
      await writeFile(join(folder, "blobs", `${name}.${suffix}`), "");
    await age(`${name}.abandoned`, 2 * HOUR_MS);

    await cache.trim();

    expect((await readdir(join(folder, "blobs"))).sort()).toEqual([name, `${name}.growing`]);
    expect(await cache.list()).toMatchObject([{ digest, size: "a blob".length }]);
  });
});
