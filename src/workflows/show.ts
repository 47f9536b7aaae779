// Describes what is in a bundle file, from its inventory and its rehearsal record.
import { auditInventory } from "../core/audit/audit-inventory.js";
import { REHEARSAL_PATH } from "../core/bundle/paths.js";
import type { Inventory } from "../core/bundle/inventory.js";
import { parseRecord, type RehearsalRecord } from "../core/rehearsal/record.js";
import { describeSignature, type DescribedSignature } from "../core/signing/signature.js";
import { readEntry } from "./install/extract-releases.js";
import type { OpenBundle } from "./ports.js";

/** The content of a bundle. The fields have the names of `bundle.json`. */
export interface BundleDescription extends Pick<
  Inventory,
  "name" | "version" | "createdFrom" | "platforms" | "apiVersions" | "excluded"
> {
  /** Digest of `bundle.json`, which contains the digests of everything else. */
  readonly digest: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** The base of a differential bundle, and the bundle that both make together. */
  readonly base: NonNullable<Inventory["base"]> | null;
  readonly whole: NonNullable<Inventory["whole"]> | null;
  /** The Kubernetes version that the charts were rendered for; null for the default of Helm. */
  readonly kubeVersion: string | null;
  readonly releases: readonly Pick<Inventory["releases"][number], "name" | "namespace" | "chart">[];
  readonly images: readonly DescribedImage[];
  /** References of the images for the container engine of the host. */
  readonly hostImages: readonly string[];
  /** Null for a bundle that is not signed. */
  readonly signature: DescribedSignature | null;
  readonly rehearsal: DescribedRehearsal | null;
  /** Number of warnings that the image list may be incomplete, and of all warnings. */
  readonly warnings: { readonly incomplete: number; readonly total: number };
}

/** Sizes are in bytes and cover all platforms of the bundle. */
export interface DescribedImage {
  readonly reference: string;
  readonly normalized: string;
  readonly digest: string;
  readonly platforms: readonly string[];
  readonly compressedBytes: number;
  /** Null when the uncompressed size of at least one layer is not known. */
  readonly uncompressedBytes: number | null;
}

/** `asked` and `missing` are numbers of images. */
export interface DescribedRehearsal extends Pick<RehearsalRecord, "date" | "outcome" | "kubeVersion"> {
  readonly asked: number;
  readonly missing: number;
}

/** Returns the description. Throws `BUNDLE_INVALID` or `RECORD_INVALID` for a damaged record. */
export async function describeBundle(bundle: OpenBundle): Promise<BundleDescription> {
  const { digest, size, inventory } = bundle;
  const { name, version, createdFrom, platforms, apiVersions, excluded, warnings } = inventory;
  return {
    name,
    version,
    digest,
    size,
    base: inventory.base ?? null,
    whole: inventory.whole ?? null,
    createdFrom,
    platforms,
    kubeVersion: inventory.kubeVersion ?? null,
    apiVersions,
    releases: inventory.releases.map((release) => ({
      name: release.name,
      namespace: release.namespace,
      chart: release.chart,
    })),
    images: auditInventory(inventory).images.map((image) => ({
      reference: image.reference,
      normalized: image.normalized,
      digest: image.digest,
      platforms: image.platforms.map(({ platform }) => platform),
      compressedBytes: image.compressedBytes,
      uncompressedBytes: image.uncompressedBytes,
    })),
    hostImages: (inventory.hostImages ?? []).map(({ normalized }) => normalized),
    excluded,
    signature: describeSignature(bundle.signature),
    rehearsal: await describeRehearsal(bundle),
    warnings: { incomplete: warnings.filter(({ incomplete }) => incomplete).length, total: warnings.length },
  };
}

async function describeRehearsal(bundle: OpenBundle): Promise<DescribedRehearsal | null> {
  if (!bundle.inventory.files.some(({ path }) => path === REHEARSAL_PATH)) return null;
  const text = Buffer.from(await readEntry(bundle, REHEARSAL_PATH)).toString("utf8");
  const record = parseRecord(text, `${bundle.file}: ${REHEARSAL_PATH}`);
  const { date, outcome, kubeVersion, asked, missing } = record;
  return { date, outcome, kubeVersion, asked: asked.length, missing: missing.length };
}
