// The places of all blobs of a whole bundle in its file, as opening it returns them.
import type { BlobPlaces } from "../../src/core/bundle/blob-places.js";
import type { Inventory } from "../../src/core/bundle/inventory.js";

export function placesOf({ blobs }: Inventory, file = "bundle.tar"): BlobPlaces {
  return new Map(
    blobs.map(({ digest, size, offset = 0 }) => [digest, { digest, size, file, offset }] as const),
  );
}
