// A partial archive is a valid tar with only the requested blobs.
import { Readable } from "node:stream";
import { extract } from "tar-stream";
import { expect, test } from "vitest";
import { blobPath } from "../../../../src/core/bundle/paths.js";
import { planPartialArchive, type Segment } from "../../../../src/core/bundle/partial-archive.js";
import { digestOfText, imageOf, inventoryOf } from "../load/inventory-of.js";
import { placesOf } from "../../../support/places-of.js";

const image = imageOf("docker.io/a/b:1", { layers: ["base", "own"] });
const inventory = inventoryOf([image]);

test("contains the layout files and the selected blobs, each with its size", async () => {
  const wanted = new Set([image.digest, digestOfText("own")]);
  const entries = await readEntries(planPartialArchive(placesOf(inventory), [image], wanted));
  expect([...entries.keys()]).toEqual([
    "oci-layout",
    "index.json",
    "manifest.json",
    ...inventory.blobs.filter(({ digest }) => wanted.has(digest)).map(({ digest }) => blobPath(digest)),
  ]);
  expect(entries.get(blobPath(digestOfText("own")))).toBe(3);
});

/** Lists names and sizes. Ranges of the bundle file are read as zeros. */
async function readEntries(segments: readonly Segment[]): Promise<ReadonlyMap<string, number>> {
  const entries = new Map<string, number>();
  const tar = extract();
  Readable.from(
    segments.map((segment) => (segment instanceof Uint8Array ? segment : Buffer.alloc(segment.size))),
  ).pipe(tar);
  for await (const entry of tar) {
    entries.set(entry.header.name, entry.header.size);
    entry.resume();
  }
  return entries;
}
