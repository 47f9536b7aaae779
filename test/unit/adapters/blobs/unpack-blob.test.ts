// The comparison of a layer with its diff id.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import { unpackBlob } from "../../../../src/adapters/blobs/unpack-blob.js";
import { digestOf } from "../../../../src/core/oci/digest.js";

const folder = mkdtempSync(join(tmpdir(), "viola-unpack-"));
const tar = Buffer.alloc(700_000, "content of a layer ");
const LEAD = 100;

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Puts the blob between other bytes of a file, as in a bundle. */
function unpack(
  blob: Uint8Array,
  diffId: string,
  file = join(folder, "file"),
): ReturnType<typeof unpackBlob> {
  writeFileSync(file, Buffer.concat([Buffer.alloc(LEAD, 1), blob, Buffer.alloc(LEAD, 2)]));
  const job = { kind: "unpack", file, from: LEAD, size: blob.length, digest: diffId } as const;
  return unpackBlob(job, () => undefined);
}

it.each([
  ["gzip", gzipSync(tar), digestOf(tar)],
  [
    "gzip in two members",
    Buffer.concat([gzipSync(tar), gzipSync("more")]),
    digestOf(Buffer.concat([tar, Buffer.from("more")])),
  ],
  ["no compression", tar, digestOf(tar)],
  ["no bytes", Buffer.alloc(0), digestOf("")],
])("accepts a layer with %s", async (_, blob, diffId) => {
  expect(await unpack(blob, diffId)).toEqual({ kind: "done" });
});

it("returns the digest of other content", async () => {
  expect(await unpack(gzipSync(tar), digestOf("other"))).toEqual({ kind: "wrong", actual: digestOf(tar) });
});

it("finds a truncated stream", async () => {
  expect(await unpack(gzipSync(tar).subarray(0, 300), digestOf(tar))).toMatchObject({ kind: "wrong" });
});

it("reports a file that cannot be read", async () => {
  const job = { kind: "unpack", file: join(folder, "none"), from: 0, size: 1, digest: digestOf("") } as const;
  expect(await unpackBlob(job, () => undefined)).toMatchObject({ kind: "unusable", code: "ENOENT" });
});
