// Plans the whole bundle that a differential bundle and its bases make: byte for byte what a full
// build writes.
import * as z from "zod";
import { ViolaError } from "../../errors.js";
import {
  inventoryBytes,
  largestFirst,
  plannedFile,
  sealedInventory,
  WIDEST_NUMBER,
  type ArchivePlan,
  type BundledFile,
  type PlannedBlob,
} from "../bundle/archive-plan.js";
import type { BlobPlaces, Place } from "../bundle/blob-places.js";
import { formatFacts } from "../bundle/facts.js";
import { MAX_INVENTORY_BYTES, type Inventory } from "../bundle/inventory.js";
import { layoutFiles } from "../bundle/layout-files.js";
import { BASE_NOTE_PATHS, FACTS_PATH } from "../bundle/paths.js";
import { placeEntries } from "../bundle/place-entries.js";
import { digestOf, hexOf } from "../oci/digest.js";
import { parseJson } from "../parse-json.js";

/** A differential bundle whose bases are all at hand. */
export interface MergeInput {
  readonly file: string;
  readonly inventory: Inventory;
  /** `bundle.json` as it is in the file. Its fields keep their order, also those that are not known. */
  readonly inventoryBytes: Uint8Array;
  readonly blobs: BlobPlaces;
  /** Returns the place of an entry of the file. */
  readonly locate: (path: string) => Place;
}

/** The fields of `bundle.json` in their order. */
const FIELDS = z.record(z.string(), z.unknown());
const LIMITS = { length: MAX_INVENTORY_BYTES, depth: 32, values: 500_000 };
/** Fields that only a differential bundle has, and those that are calculated again. */
const LEFT_OUT: ReadonlySet<string> = new Set(["base", "whole", "checksum"]);

/**
 * Returns the plan, whose blobs are copied from the files. The result is known before anything is
 * written: the difference names the digest of the whole bundle. Throws `BUNDLE_UNSUPPORTED` if this
 * release would write other bytes than the one that built the difference.
 */
export function planMerge({
  file,
  inventory,
  inventoryBytes: bytes,
  blobs,
  locate,
}: MergeInput): ArchivePlan {
  const notes = new Set<string>([FACTS_PATH, ...Object.values(BASE_NOTE_PATHS)]);
  const files = inventory.files
    .filter(({ path }) => !notes.has(path))
    .map(({ path, sha256, size }): BundledFile => {
      const place = locate(path);
      return { path, file: place.file, from: place.offset, size, sha256 };
    });
  const contents = inventory.blobs.map(({ digest, size }) => ({ digest, size }));
  const { base, whole, ...common } = inventory;
  if (base === undefined || whole === undefined) throw new TypeError(`${file} is not a differential bundle`);
  const facts = Buffer.from(formatFacts({ ...common, files, blobs: contents }));
  const factsEntry = {
    path: FACTS_PATH,
    bytes: facts,
    size: facts.length,
    sha256: hexOf(digestOf(facts)),
  };
  const entries = [factsEntry, ...files];
  const fields = Object.entries(
    parseJson(
      Buffer.from(bytes).toString("utf8"),
      FIELDS,
      (what) => new ViolaError("BUNDLE_INVALID", `${file}: bundle.json: ${what}`, { subject: file }),
      LIMITS,
    ),
  ).filter(([name]) => !LEFT_OUT.has(name));
  const listed = entries.map(({ path, sha256, size }) => ({ path, sha256, size }));
  const documentWith = (offsetOf: (digest: string) => number): Record<string, unknown> =>
    Object.fromEntries(
      fields.map(([name, value]) => {
        if (name === "files") return [name, listed];
        if (name === "blobs")
          return [name, contents.map((blob) => ({ ...blob, offset: offsetOf(blob.digest) }))];
        return [name, value];
      }),
    );
  const inventorySize = inventoryBytes(documentWith(() => WIDEST_NUMBER)) + reservedForSizes(inventory);
  const placed = placeEntries({
    inventorySize,
    isSigned: whole.signature !== undefined,
    files: entries,
    layout: layoutFiles(inventory.images, inventory.hostImages),
    blobs: contents,
  });
  const offsetOf = (digest: string): number => placed.blobs.get(digest) ?? 0;
  const finished = sealedInventory(documentWith(offsetOf), inventorySize);
  if (digestOf(finished) !== whole.digest || placed.size !== whole.size) {
    throw new ViolaError(
      "BUNDLE_UNSUPPORTED",
      `${file}: this release of viola-airgap would not merge it to the bundle that it is a difference of`,
      { subject: file, hint: `Merge it with the release that built it: ${inventory.createdFrom.tool}.` },
    );
  }
  return {
    inventory: {
      ...common,
      files: listed,
      blobs: contents.map((blob) => ({ ...blob, offset: offsetOf(blob.digest) })),
    },
    inventorySize,
    ...(placed.signatureOffset !== undefined && { signatureOffset: placed.signatureOffset }),
    size: placed.size,
    pieces: [
      ...placed.pieces,
      ...placed.files.flatMap(({ file: entry, offset }) =>
        "bytes" in entry ? [{ offset, bytes: entry.bytes }] : [],
      ),
    ],
    blobs: largestFirst([
      ...placed.files.flatMap(({ file: entry, offset }) =>
        "bytes" in entry ? [] : [plannedFile(entry, offset)],
      ),
      ...contents.flatMap(({ digest, size }): readonly PlannedBlob[] => {
        const place = blobs.get(digest);
        return place === undefined
          ? []
          : [
              {
                digest,
                size,
                offset: offsetOf(digest),
                sources: [{ kind: "file", file: place.file, offset: place.offset }],
                image: place.file,
              },
            ];
      }),
    ]),
    finished,
  };
}

/** The bytes that `bundle.json` reserves for uncompressed sizes beyond those that it has. */
function reservedForSizes({ images }: Inventory): number {
  const widest = String(WIDEST_NUMBER).length;
  return images
    .flatMap(({ platforms }) => platforms.flatMap(({ layers }) => layers))
    .reduce((sum, { uncompressedSize }) => sum + widest - String(uncompressedSize).length, 0);
}
