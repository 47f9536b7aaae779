// `bundle.json`: the inventory of a bundle, and the contract between the building and loading side.
import * as z from "zod";
import { ViolaError } from "../../errors.js";
import type { RenderedFacts } from "../charts/rendered-facts.js";
import type { ImageArtifact } from "../images/image-artifact.js";
import type { Evidence, FindingWarning } from "../images/image-use.js";
import { isNormalized } from "../images/reference.js";
import type { ResolvedImage } from "../images/resolved-image.js";
import { isRecord } from "../json.js";
import * as names from "../name-patterns.js";
import type { Descriptor } from "../oci/descriptor.js";
import { DIGEST_SCHEMA } from "../oci/digest.js";
import { findPlatform, formatPlatform } from "../oci/platform.js";
import {
  findExcess,
  listOf,
  parseUnchecked,
  parseValue,
  type JsonLimits,
  type ReadonlyDeep,
} from "../parse-json.js";

export const FORMAT_VERSION = 1;

/** Size limit of `bundle.json`. One for 1,000 images of 2 platforms with 10 layers each has 9 MB. */
export const MAX_INVENTORY_BYTES = 32 * 1024 * 1024;
const LIMITS: JsonLimits = {
  length: MAX_INVENTORY_BYTES,
  // The format needs 7.
  depth: 32,
  // 1,000 images of 2 platforms with 10 layers each need 225,000.
  values: 500_000,
};

const text = z.string();
const hex = text.regex(/^[0-9a-f]{64}$/, "must be 64 hex digits");
const size = z.int().min(0);
/** A path that stays inside the bundle. */
const path = text.regex(names.BUNDLE_PATH, names.BUNDLE_PATH_RULE);
const mediaType = text.regex(names.MEDIA_TYPE, names.MEDIA_TYPE_RULE);
const bundleName = text.regex(names.BUNDLE_NAME, names.BUNDLE_NAME_RULE);
const chartName = text.regex(names.CHART_NAME, names.CHART_NAME_RULE);
/** Names are passed to programs on nodes, so only normalized references are accepted. */
const name = text.refine(isNormalized, "must be a full image reference");
/** `os/arch[/variant]` */
const platformName = text.refine(
  (value) => findPlatform(value) !== undefined,
  "must be a platform such as linux/amd64",
);
const descriptor = z.object({ mediaType, digest: DIGEST_SCHEMA, size });

const layer = descriptor.extend({
  /** Size after decompression; null if unknown. `size` is the compressed size. */
  uncompressedSize: size.nullable(),
});

const platform = z.object({
  platform: platformName,
  /** Digest of the platform's manifest. */
  digest: DIGEST_SCHEMA,
  config: descriptor,
  layers: listOf(layer),
  /**
   * Other manifests of the index that containerd fetches with this platform: without a platform, or
   * of the same one.
   */
  attached: listOf(
    z.object({ digest: DIGEST_SCHEMA, config: descriptor, layers: listOf(descriptor) }),
  ).exactOptional(),
});

const labels = z.object({ name: text.exactOptional(), component: text.exactOptional() });

const evidence: z.ZodType<Evidence> = z.object({
  rule: text,
  chart: text,
  template: text,
  object: text,
  path: text,
  value: text,
  because: text.exactOptional(),
  hooks: listOf(text).exactOptional(),
  release: text.exactOptional(),
  labels: labels.exactOptional(),
  workloads: listOf(
    z.object({
      kind: text,
      component: text.exactOptional(),
      object: text,
      template: text,
      release: text.exactOptional(),
      labels: labels.exactOptional(),
    }),
  ).exactOptional(),
});

/** A signature, an attestation or another artifact that belongs to an image. */
const artifact = z.object({
  /** The index or manifest of the image that it belongs to. */
  subject: DIGEST_SCHEMA,
  /** The tags that it is found by. */
  tags: listOf(text.regex(names.IMAGE_TAG, names.IMAGE_TAG_RULE)),
  digest: DIGEST_SCHEMA,
  mediaType,
  /** Its root and the manifests below it, parents first. */
  manifests: listOf(descriptor),
  /** Configs and layers. */
  blobs: listOf(descriptor),
  /** What the list of referrers says about it, if its manifest names the subject. */
  referrer: z
    .object({ artifactType: text, annotations: z.record(text, text).exactOptional() })
    .exactOptional(),
});

const image = z.object({
  reference: text,
  normalized: name,
  required: z.boolean(),
  confidence: z.enum(["certain", "high", "medium", "low"]),
  evidence: listOf(evidence),
  /** Every form of the reference that must resolve on a node. */
  names: listOf(name),
  /** Digest of the index or manifest that the names point to. */
  digest: DIGEST_SCHEMA,
  mediaType,
  /** All indexes and manifests of the image, including the root and those of other platforms. */
  manifests: listOf(descriptor),
  /** True if the digests were calculated from the image of a Docker engine. */
  rebuilt: z.boolean(),
  platforms: listOf(platform),
  /** Present if the spec asks for them and there are any. */
  artifacts: listOf(artifact).exactOptional(),
});

const release = z.object({
  name: text.regex(names.RELEASE_NAME, names.RELEASE_NAME_RULE),
  namespace: text.regex(names.NAMESPACE, names.NAMESPACE_RULE),
  chart: z.object({
    name: chartName,
    version: chartName,
    appVersion: text.exactOptional(),
    kubeVersion: text.exactOptional(),
    /** What the spec asked for, if that can mean several versions; `*` if it named none. */
    range: text.exactOptional(),
    /**
     * URL of its repository, or its `oci://` reference, without user and password. Absent for a
     * local chart, and for a repository that only this machine knows by name.
     */
    repository: text.exactOptional(),
  }),
  /** Path of the packaged chart in the bundle. */
  file: path,
  sha256: hex,
  /** Paths of the values files in the bundle; later files override earlier ones. */
  values: listOf(path),
  /**
   * Present if the values were left out. Installing then requires them. `keys` has the paths of
   * files with the keys of the values, if these were included.
   */
  withheldValues: z.object({ keys: listOf(path) }).exactOptional(),
});

const warning: z.ZodType<FindingWarning> = z.object({
  code: text,
  message: text,
  hint: text.exactOptional(),
  chart: text.exactOptional(),
  template: text.exactOptional(),
  object: text.exactOptional(),
  images: listOf(text).exactOptional(),
  incomplete: z.boolean(),
  silenced: text.exactOptional(),
});

/** What the audit reads of the rendered objects. */
const rendered: z.ZodType<RenderedFacts> = z.object({
  apis: listOf(z.object({ apiVersion: text, kind: text, objects: size, first: text })),
  alwaysPulled: listOf(z.object({ object: text, path: text, image: text, implied: z.boolean() })),
  largeDefinitions: listOf(z.object({ object: text, chart: text, bytes: size })),
});

/** An image that only `helm test` starts and that is not in the bundle. */
const testImage = z.object({ reference: text, normalized: name, objects: listOf(text) });

const date = text.regex(/^\d{4}-\d{2}-\d{2}$/, "must be a date such as 2026-12-31");

/** What the spec says about the audit. */
const audit = z.object({
  maxBytes: size.exactOptional(),
  maxLayerBytes: size.exactOptional(),
  maxAgeDays: size.exactOptional(),
  suppress: listOf(
    z.object({ rule: text, subject: text.exactOptional(), reason: text, until: date.exactOptional() }),
  ).exactOptional(),
  components: z
    .record(text, z.object({ name: text.exactOptional(), purpose: text.exactOptional() }))
    .exactOptional(),
  images: z
    .record(text, z.object({ component: text.exactOptional(), purpose: text.exactOptional() }))
    .exactOptional(),
});

const blob = z.object({
  digest: DIGEST_SCHEMA,
  size,
  /** From the start of the bundle file. Absent for a blob that is in the base. */
  offset: size.exactOptional(),
});

/** The bundle that a differential bundle is a difference from. */
const base = z.object({
  name: bundleName,
  version: bundleName,
  /** Digest of the whole bundle; see `identityOf`. */
  digest: DIGEST_SCHEMA,
});

/** The bundle that a differential bundle and its base make together. */
const whole = z.object({
  /** Digest of its `bundle.json`. */
  digest: DIGEST_SCHEMA,
  /** Bytes of its file. */
  size,
  /** Base64 of the signature of its `bundle.json`; absent if it is not signed. */
  signature: text.regex(/^[A-Za-z0-9+/]{86}==$/, "must be a signature").exactOptional(),
});

/** The format. Readers reject an unknown `formatVersion` and ignore unknown fields. */
const INVENTORY_SCHEMA = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  name: bundleName,
  version: bundleName,
  createdFrom: z.object({
    /** Digest of the spec's text. */
    spec: DIGEST_SCHEMA,
    tool: text,
  }),
  /** In the order of the spec. */
  platforms: listOf(platformName),
  kubeVersion: text.regex(names.KUBE_VERSION, names.KUBE_VERSION_RULE).exactOptional(),
  apiVersions: listOf(text.regex(names.API_VERSION, names.API_VERSION_RULE)),
  /** In installation order. */
  releases: listOf(release),
  /** Sorted by `normalized`. */
  images: listOf(image),
  /** Images for the container engine of the host, such as the node image of Kind; not for nodes. */
  hostImages: listOf(image).exactOptional(),
  /** Absent in bundles of older releases. */
  testImages: listOf(testImage).exactOptional(),
  /** Images that were found and excluded, with the reason. */
  excluded: listOf(z.object({ reference: text, reason: text })),
  warnings: listOf(warning),
  /** Platforms of the nodes by the spec, if the bundle was built for others. */
  nodePlatforms: listOf(platformName).exactOptional(),
  rendered: rendered.exactOptional(),
  audit: audit.exactOptional(),
  /** Every entry besides `bundle.json` and `images.tar`. */
  files: listOf(
    z.object({
      path,
      sha256: hex,
      size,
      /** True for a file that is in the base under the same path. */
      isInBase: z.literal(true).exactOptional(),
    }),
  ),
  /** Every blob of `images.tar`, in archive order. */
  blobs: listOf(blob),
  /** Both are present in a differential bundle, and only there. */
  base: base.exactOptional(),
  whole: whole.exactOptional(),
});

/** The contents of a bundle, which may be a differential bundle. */
export type Inventory = ReadonlyDeep<z.infer<typeof INVENTORY_SCHEMA>>;
export type InventoryBlob = Inventory["blobs"][number];
export type InventoryBase = NonNullable<Inventory["base"]>;
export type InventoryRelease = Inventory["releases"][number];
export type InventoryImage = Inventory["images"][number];
export type InventoryArtifact = NonNullable<InventoryImage["artifacts"]>[number];
export type InventoryPlatform = InventoryImage["platforms"][number];
export type InventoryLayer = InventoryPlatform["layers"][number];

/**
 * Parses `bundle.json`. `file` is the bundle, for messages. Throws `BUNDLE_INVALID` with the paths
 * of at most ten wrong fields, or `BUNDLE_UNSUPPORTED` for another version of the format. A
 * document of more than 32 MiB, 32 levels or 500,000 values is rejected before it is decoded.
 */
export function parseInventory(bytes: Uint8Array, file: string): Inventory {
  const invalid = (what: string, cause?: SyntaxError): ViolaError =>
    new ViolaError("BUNDLE_INVALID", `${file}: bundle.json is damaged: ${what}`, {
      subject: file,
      hint: "Copy the file again, and compare its sha256 with that of the original. If they are the same, do not trust the file: no build writes this.",
      cause,
    });
  const excess = findExcess(bytes, LIMITS);
  if (excess !== undefined) throw invalid(excess);
  const value = parseUnchecked(decode(bytes, invalid), invalid, LIMITS);
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
  const inventory = parseValue(value, INVENTORY_SCHEMA, invalid);
  if ((inventory.base === undefined) !== (inventory.whole === undefined))
    throw invalid(`${inventory.base === undefined ? "base" : "whole"}: is missing`);
  const without = inventory.blobs.findIndex(({ offset }) => offset === undefined);
  if (inventory.base === undefined && without >= 0)
    throw invalid(`blobs[${without}].offset: is missing, but the bundle has no base`);
  const held = inventory.files.findIndex(({ isInBase }) => isInBase === true);
  if (inventory.base === undefined && held >= 0)
    throw invalid(`files[${held}].isInBase: must be absent, because the bundle has no base`);
  return inventory;
}

function decode(bytes: Uint8Array, invalid: (what: string) => ViolaError): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid("it is not UTF-8");
  }
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
    platforms: image.platforms.map(({ platform, manifest, config, layers, attached }) => ({
      platform: formatPlatform(platform),
      digest: manifest.digest,
      config: toDescriptor(config),
      layers: layers.map((layer) => ({ ...toDescriptor(layer), uncompressedSize: null })),
      ...(attached !== undefined && {
        attached: attached.map((other) => ({
          digest: other.digest,
          config: toDescriptor(other.config),
          layers: other.layers.map(toDescriptor),
        })),
      }),
    })),
    ...(image.artifacts !== undefined &&
      image.artifacts.length > 0 && { artifacts: image.artifacts.map(inventoryArtifact) }),
  };
}

function inventoryArtifact({
  subject,
  tags,
  root,
  manifests,
  blobs,
  referrer,
}: ImageArtifact): z.infer<typeof artifact> {
  return {
    subject,
    tags: [...tags],
    digest: root.digest,
    mediaType: root.mediaType,
    manifests: manifests.map(toDescriptor),
    blobs: blobs.map(toDescriptor),
    ...(referrer !== undefined && {
      referrer: {
        artifactType: referrer.artifactType,
        ...(referrer.annotations !== undefined && { annotations: { ...referrer.annotations } }),
      },
    }),
  };
}

function toDescriptor({ mediaType, digest, size: bytes }: Descriptor): z.infer<typeof descriptor> {
  return { mediaType, digest, size: bytes };
}

/** A platform of an image in a plan or in an inventory. */
interface PlatformContent<D> {
  readonly config: D;
  readonly layers: readonly D[];
  readonly attached?: readonly { readonly config: D; readonly layers: readonly D[] }[];
}

/**
 * Returns the configs and layers that a node must have to run the platform: its own, and those of
 * the attached manifests.
 */
export function blobsOf<D>({ config, layers, attached = [] }: PlatformContent<D>): readonly D[] {
  return [config, ...layers, ...attached.flatMap((other) => [other.config, ...other.layers])];
}
