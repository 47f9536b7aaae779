// The index of the artifacts that refer to a manifest.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
import * as z from "zod";
import type { InventoryArtifact } from "../bundle/inventory.js";
import { OCI_INDEX } from "../oci/descriptor.js";
import { readJson } from "../parse-json.js";

const INDEX = z.object({ manifests: z.array(z.looseObject({ digest: z.string() })) });

/**
 * Returns the bytes of the index for those artifacts that refer to the subject. The entries of an
 * earlier index stay, whatever they are, unless they are of the same artifact.
 */
export function referrersIndex(
  subject: string,
  artifacts: readonly InventoryArtifact[],
  earlier?: Uint8Array,
): Buffer {
  const known = earlier && INDEX.safeParse(readJson(new TextDecoder().decode(earlier))).data?.manifests;
  const entries = artifacts
    .filter((artifact) => artifact.subject === subject)
    .flatMap(({ mediaType, digest, manifests, referrer }) => {
      const size = manifests.find((manifest) => manifest.digest === digest)?.size;
      return referrer === undefined || size === undefined ? [] : [{ mediaType, digest, size, ...referrer }];
    });
  const merged = new Map([...(known ?? []), ...entries].map((entry) => [entry.digest, entry]));
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...merged.values()] }),
  );
}
