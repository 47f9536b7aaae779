// `bundle.json`: the inventory of a bundle and the only contract across the gap.
import { ViolaError } from "../../errors.js";
import { INVENTORY_SCHEMA } from "./inventory-schema.js";
import type { Confidence, Evidence, FindingWarning } from "../images/image-use.js";
import { formatPlatform } from "../oci/platform.js";
import type { ResolvedImage } from "../images/resolved-image.js";

export const FORMAT_VERSION = 1;

/** What is in a bundle. Readers refuse a `formatVersion` that they do not know. */
export interface Inventory {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly name: string;
  readonly version: string;
  readonly createdFrom: { readonly spec: string; readonly tool: string };
  /** `os/arch[/variant]`, in the order of the spec. */
  readonly platforms: readonly string[];
  readonly kubeVersion?: string;
  readonly apiVersions: readonly string[];
  /** In the order in which they are to be installed. */
  readonly releases: readonly InventoryRelease[];
  /** Sorted by `normalized`. */
  readonly images: readonly InventoryImage[];
  /** Images for the container engine of the isolated host, such as the one that Kind makes nodes of; no node gets them. */
  readonly hostImages?: readonly InventoryImage[];
  /** Images that were found and left out, with the reason. */
  readonly excluded: readonly { readonly reference: string; readonly reason: string }[];
  readonly warnings: readonly FindingWarning[];
  /** Every entry besides `bundle.json` and `images.tar`. */
  readonly files: readonly { readonly path: string; readonly sha256: string; readonly size: number }[];
  /** Every blob of `images.tar`, in archive order; `offset` counts from the start of the bundle file. */
  readonly blobs: readonly InventoryBlob[];
}

export interface InventoryBlob {
  readonly digest: string;
  readonly size: number;
  readonly offset: number;
}

export interface InventoryRelease {
  readonly name: string;
  readonly namespace: string;
  readonly chart: {
    readonly name: string;
    readonly version: string;
    readonly appVersion?: string;
    readonly kubeVersion?: string;
  };
  /** Path of the packaged chart in the bundle. */
  readonly file: string;
  readonly sha256: string;
  /** Paths of the values files in the bundle, later ones win. */
  readonly values: readonly string[];
}

export interface InventoryImage {
  readonly reference: string;
  readonly normalized: string;
  readonly required: boolean;
  readonly confidence: Confidence;
  readonly evidence: readonly Evidence[];
  /** Every reference form that must resolve on a node. */
  readonly names: readonly string[];
  /** Digest and media type of what the names point to. */
  readonly digest: string;
  readonly mediaType: string;
  /** Indexes and manifests that belong to the image, the root among them, other platforms' included. */
  readonly manifests: readonly {
    readonly mediaType: string;
    readonly digest: string;
    readonly size: number;
  }[];
  /** True when the digests were made here from a Docker engine's copy. */
  readonly rebuilt: boolean;
  readonly platforms: readonly InventoryPlatform[];
}

export interface InventoryPlatform {
  readonly platform: string;
  /** Digest of the platform's manifest. */
  readonly digest: string;
  readonly config: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly layers: readonly InventoryLayer[];
}

export interface InventoryLayer {
  readonly mediaType: string;
  readonly digest: string;
  /** Compressed bytes, as stored. */
  readonly size: number;
  /** Bytes after decompression; null where the compressed form does not say. */
  readonly uncompressedSize: number | null;
}

/** Reads `bundle.json`. Throws `BUNDLE_INVALID` or, for a format of another version, `BUNDLE_UNSUPPORTED`. */
export function parseInventory(text: string, file: string): Inventory {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ViolaError("BUNDLE_INVALID", `${file}: bundle.json is not JSON`, { subject: file, cause });
  }
  const version =
    typeof value === "object" && value !== null && "formatVersion" in value ? value.formatVersion : undefined;
  if (version !== FORMAT_VERSION) {
    throw new ViolaError(
      "BUNDLE_UNSUPPORTED",
      `${file} has bundle format ${JSON.stringify(version)}; this program reads ${FORMAT_VERSION}`,
      {
        subject: file,
        hint: "Use the viola-airgap release that built the bundle, or a newer one.",
      },
    );
  }
  // Differential bundles have this format, too, but part of their content is elsewhere.
  if ("base" in (value as object)) {
    throw new ViolaError("BUNDLE_UNSUPPORTED", `${file} holds only what another bundle, its base, lacks`, {
      subject: file,
      hint: "Use a bundle that was built whole, or the viola-airgap release that built this one.",
    });
  }
  const checked = INVENTORY_SCHEMA.safeParse(value);
  if (!checked.success) {
    const places = checked.error.issues
      .slice(0, 3)
      .map((issue) => `${issue.path.join(".")} ${issue.message}`);
    throw new ViolaError("BUNDLE_INVALID", `${file}: bundle.json is damaged: ${places.join("; ")}`, {
      subject: file,
    });
  }
  return value as Inventory;
}

/** Returns the inventory's entry for the image; uncompressed sizes are null until the layers are at hand. */
export function inventoryImage(image: ResolvedImage): InventoryImage {
  const { reference, normalized, required, confidence, evidence } = image.use;
  return {
    reference,
    normalized,
    required,
    confidence,
    evidence,
    names: image.names,
    digest: image.root.digest,
    mediaType: image.root.mediaType,
    manifests: image.manifests.map(({ mediaType, digest, bytes }) => ({
      mediaType,
      digest,
      size: bytes.length,
    })),
    rebuilt: image.rebuilt,
    platforms: image.platforms.map(({ platform, manifest, config, layers }) => ({
      platform: formatPlatform(platform),
      digest: manifest.digest,
      config: { mediaType: config.mediaType, digest: config.digest, size: config.size },
      layers: layers.map(({ mediaType, digest, size }) => ({
        mediaType,
        digest,
        size,
        uncompressedSize: null,
      })),
    })),
  };
}
