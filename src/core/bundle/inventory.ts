// `bundle.json`: the inventory of a bundle, and the contract between the building and loading side.
import { z } from "zod";
import { ViolaError } from "../../errors.js";
import type { Evidence, FindingWarning } from "../images/image-use.js";
import { isNormalized } from "../images/reference.js";
import type { ResolvedImage } from "../images/resolved-image.js";
import { isRecord } from "../json.js";
import { DIGEST_SCHEMA } from "../oci/digest.js";
import { findPlatform, formatPlatform } from "../oci/platform.js";
import { findExcess, parseUnchecked, parseValue, type JsonLimits, type ReadonlyDeep } from "../parse-json.js";

export const FORMAT_VERSION = 1;

/** Size limit of `bundle.json`. One for 1,000 images of 2 platforms with 10 layers each has 9 MB. */
export const MAX_INVENTORY_BYTES = 64 * 1024 * 1024;
const LIMITS: JsonLimits = {
  length: MAX_INVENTORY_BYTES,
  // The format needs 7.
  depth: 32,
  // 1,000 images of 2 platforms with 10 layers each need 225,000.
  values: 1_000_000,
};

const text = z.string();
const hex = text.regex(/^[0-9a-f]{64}$/, "must be 64 hex digits");
const size = z.int().min(0);
/** A path that stays inside the bundle. */
const path = text.refine(
  (value) => /^[^/\\\0]+(?:\/[^/\\\0]+)*$/.test(value) && !value.split("/").includes(".."),
  "must be a relative path",
);
/** Names are passed to programs on nodes, so only normalized references are accepted. */
const name = text.refine(isNormalized, "must be a full image reference");
/** `os/arch[/variant]` */
const platformName = text.refine(
  (value) => findPlatform(value) !== undefined,
  "must be a platform such as linux/amd64",
);
const descriptor = z.object({ mediaType: text, digest: DIGEST_SCHEMA, size });

const layer = descriptor.extend({
  /** Size after decompression; null if unknown. `size` is the compressed size. */
  uncompressedSize: size.nullable(),
});

const platform = z.object({
  platform: platformName,
  /** Digest of the platform's manifest. */
  digest: DIGEST_SCHEMA,
  config: descriptor,
  layers: z.array(layer),
});

const evidence: z.ZodType<Evidence> = z.object({
  rule: text,
  chart: text,
  template: text,
  object: text,
  path: text,
  value: text,
  because: text.exactOptional(),
  hooks: z.array(text).exactOptional(),
});

const image = z.object({
  reference: text,
  normalized: name,
  required: z.boolean(),
  confidence: z.enum(["certain", "high", "medium", "low"]),
  evidence: z.array(evidence),
  /** Every form of the reference that must resolve on a node. */
  names: z.array(name),
  /** Digest of the index or manifest that the names point to. */
  digest: DIGEST_SCHEMA,
  mediaType: text,
  /** All indexes and manifests of the image, including the root and those of other platforms. */
  manifests: z.array(descriptor),
  /** True if the digests were calculated from the image of a Docker engine. */
  rebuilt: z.boolean(),
  platforms: z.array(platform),
});

const release = z.object({
  name: text,
  namespace: text,
  chart: z.object({
    name: text,
    version: text,
    appVersion: text.exactOptional(),
    kubeVersion: text.exactOptional(),
  }),
  /** Path of the packaged chart in the bundle. */
  file: path,
  sha256: hex,
  /** Paths of the values files in the bundle; later files override earlier ones. */
  values: z.array(path),
  /**
   * Present if the values were left out. Installing then requires them. `keys` has the paths of
   * files with the keys of the values, if these were included.
   */
  withheldValues: z.object({ keys: z.array(path) }).exactOptional(),
});

const warning: z.ZodType<FindingWarning> = z.object({
  code: text,
  message: text,
  hint: text.exactOptional(),
  chart: text.exactOptional(),
  template: text.exactOptional(),
  object: text.exactOptional(),
  images: z.array(text).exactOptional(),
  incomplete: z.boolean(),
  silenced: text.exactOptional(),
});

const blob = z.object({
  digest: DIGEST_SCHEMA,
  size,
  /** From the start of the bundle file. */
  offset: size,
});

/** The format. Readers reject an unknown `formatVersion` and ignore unknown fields. */
const INVENTORY_SCHEMA = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  name: text,
  version: text,
  createdFrom: z.object({
    /** Digest of the spec's text. */
    spec: DIGEST_SCHEMA,
    tool: text,
  }),
  /** In the order of the spec. */
  platforms: z.array(platformName),
  kubeVersion: text.exactOptional(),
  apiVersions: z.array(text),
  /** In installation order. */
  releases: z.array(release),
  /** Sorted by `normalized`. */
  images: z.array(image),
  /** Images for the container engine of the host, such as the node image of Kind; not for nodes. */
  hostImages: z.array(image).exactOptional(),
  /** Images that were found and excluded, with the reason. */
  excluded: z.array(z.object({ reference: text, reason: text })),
  warnings: z.array(warning),
  /** Every entry besides `bundle.json` and `images.tar`. */
  files: z.array(z.object({ path, sha256: hex, size })),
  /** Every blob of `images.tar`, in archive order. */
  blobs: z.array(blob),
});

/** The contents of a bundle. */
export type Inventory = ReadonlyDeep<z.infer<typeof INVENTORY_SCHEMA>>;
export type InventoryBlob = Inventory["blobs"][number];
export type InventoryRelease = Inventory["releases"][number];
export type InventoryImage = Inventory["images"][number];
export type InventoryPlatform = InventoryImage["platforms"][number];
export type InventoryLayer = InventoryPlatform["layers"][number];

/**
 * Parses `bundle.json`. `file` is the bundle, for messages. Throws `BUNDLE_INVALID` with the paths
 * of at most ten wrong fields, or `BUNDLE_UNSUPPORTED` for another version of the format. A
 * document of more than 64 MiB, 32 levels or 1,000,000 values is rejected before it is parsed.
 */
export function parseInventory(json: string, file: string): Inventory {
  const invalid = (what: string, cause?: SyntaxError): ViolaError =>
    new ViolaError("BUNDLE_INVALID", `${file}: bundle.json is damaged: ${what}`, {
      subject: file,
      hint: "Copy the file again, and compare its sha256 with that of the original.",
      cause,
    });
  const tooLarge = findExcess(json, LIMITS);
  if (tooLarge !== undefined) throw invalid(tooLarge);
  const value = parseUnchecked(json, invalid);
  const version =
    isRecord(value) && Object.hasOwn(value, "formatVersion") ? value["formatVersion"] : undefined;
  if (!isRecord(value) || version !== FORMAT_VERSION) {
    throw new ViolaError(
      "BUNDLE_UNSUPPORTED",
      `${file} has formatVersion ${JSON.stringify(version)}; this program reads ${FORMAT_VERSION}`,
      {
        subject: file,
        hint: "Use the viola-airgap release that built the bundle, or a newer one.",
      },
    );
  }
  // Differential bundles have the same formatVersion, but part of their content is in another file.
  if (Object.hasOwn(value, "base")) {
    throw new ViolaError(
      "BUNDLE_UNSUPPORTED",
      `${file} is a differential bundle: it contains only what its base bundle lacks`,
      {
        subject: file,
        hint: "Use a complete bundle, or the viola-airgap release that built this one.",
      },
    );
  }
  return parseValue(value, INVENTORY_SCHEMA, invalid);
}

/**
 * Returns the inventory entry of the image. Uncompressed sizes are null until layers are written.
 */
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
