// Parses and validates indexes and manifests from the raw bytes that a registry sent.
import * as z from "zod";
import { ViolaError } from "../../errors.js";
import {
  isIndexMediaType,
  MANIFEST_MEDIA_TYPES,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  type Descriptor,
  type Platform,
} from "./descriptor.js";
import { MEDIA_TYPE, MEDIA_TYPE_RULE } from "../name-patterns.js";
import { DEFAULT_LIMITS, findExcess, listOf, parseUnchecked, readJson } from "../parse-json.js";
import { isSha256 } from "./digest.js";
import { normalizePlatform } from "./platform.js";

/**
 * https://github.com/opencontainers/image-spec/blob/main/image-index.md, and Docker's manifest
 * list.
 */
export interface ImageIndex {
  readonly kind: "index";
  readonly mediaType: string;
  readonly entries: readonly Descriptor[];
}

/**
 * https://github.com/opencontainers/image-spec/blob/main/manifest.md, and Docker's image manifest,
 * schema 2.
 */
export interface ImageManifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** Set on artifacts, which a container runtime cannot run. */
  readonly artifactType?: string;
}

const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
/** https://distribution.github.io/distribution/spec/deprecated-schema-v1/ */
const SCHEMA1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;
/** Far more than the index with the most platforms, or the image with the most layers, needs. */
const LIMITS = { length: 8 * 1024 * 1024, depth: 50, values: 100_000 };
/** Non-distributable layers (image-spec, layer.md) and Docker's foreign layers. */
const FOREIGN = /\.nondistributable\.|\.rootfs\.foreign\.diff\./;

/** Go programs write absent fields as null or empty values, so these count as absent. */
const optionalText = z
  .string()
  .nullish()
  .transform((text) => text || undefined);
const platformSchema = z.object({ os: optionalText, architecture: optionalText, variant: optionalText });
const descriptorSchema = z.object({
  mediaType: z.string().regex(MEDIA_TYPE, MEDIA_TYPE_RULE),
  digest: z.string(),
  size: z.int().nonnegative(),
  platform: platformSchema.nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});
const descriptorsSchema = listOf(descriptorSchema)
  .nullish()
  .transform((list) => list ?? []);
const indexSchema = z.object({ manifests: descriptorsSchema });
const manifestSchema = z.object({
  config: descriptorSchema,
  layers: descriptorsSchema,
  artifactType: optionalText,
});
const headSchema = z.object({
  schemaVersion: z.number().nullish(),
  mediaType: optionalText,
  manifests: z.unknown().optional(),
  layers: z.unknown().optional(),
});

/**
 * Parses an index or manifest. `mediaType` is the type stated by the registry or by the parent's
 * descriptor; `subject` names the image in messages. If the document has no `mediaType` field, or
 * it is null or empty, the type is `mediaType` or else inferred from the fields, as in containerd.
 * Throws `IMAGE_UNSUPPORTED` for schema 1 and for digests other than sha256, and
 * `REGISTRY_ANSWER_INVALID` for malformed documents.
 */
export function parseManifest(
  bytes: Uint8Array,
  mediaType: string | undefined,
  subject: string,
): ImageIndex | ImageManifest {
  const invalid = (what: string, cause?: unknown): ViolaError =>
    new ViolaError("REGISTRY_ANSWER_INVALID", `${subject}: ${what}`, { subject, cause });
  const value = parseJson(bytes, invalid);
  const head = headSchema.safeParse(value);
  if (!head.success) throw invalid("the manifest is not a JSON object", head.error);

  const stated = mediaType?.split(";", 1)[0]?.trim();
  const field = head.data.mediaType;
  if (head.data.schemaVersion === 1 || SCHEMA1.test(field ?? stated ?? "")) throw schema1(subject);
  if (field !== undefined && !isKnown(field)) {
    throw new ViolaError("IMAGE_UNSUPPORTED", `${subject} is not a container image but ${field}`, {
      subject,
    });
  }
  // The Content-Type must match the mediaType field
  // (https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests). A
  // Content-Type of another kind, such as text/plain, is accepted because some registries
  // send it.
  if (field !== undefined && stated !== undefined && isKnown(stated) && field !== stated) {
    throw invalid(`the Content-Type is ${stated} but the mediaType field is ${field}`);
  }
  // A document must not be both an index and a manifest (CVE-2021-41190).
  if (head.data.manifests !== undefined && head.data.layers !== undefined) {
    throw invalid("the document has both manifests and layers");
  }
  const known = [field, stated].find((type) => type !== undefined && isKnown(type));
  const actual = known ?? (head.data.manifests === undefined ? OCI_MANIFEST : OCI_INDEX);

  if (isIndexMediaType(actual)) {
    const index = indexSchema.safeParse(value);
    if (!index.success) throw invalid(`not a valid index: ${firstIssue(index.error)}`, index.error);
    const entries = index.data.manifests.map((entry) => toDescriptor(entry, subject));
    return { kind: "index", mediaType: actual, entries };
  }
  const manifest = manifestSchema.safeParse(value);
  if (!manifest.success) {
    throw invalid(`not a valid manifest: ${firstIssue(manifest.error)}`, manifest.error);
  }
  return {
    kind: "manifest",
    mediaType: actual,
    config: toDescriptor(manifest.data.config, subject),
    layers: manifest.data.layers.map((layer) => toDescriptor(layer, subject)),
    ...(manifest.data.artifactType !== undefined && { artifactType: manifest.data.artifactType }),
  };
}

/**
 * True when the config is an image config. Otherwise the manifest is an artifact, such as a Helm
 * chart or a signature.
 */
export function isImage(manifest: ImageManifest): boolean {
  return manifest.config.mediaType === OCI_CONFIG || manifest.config.mediaType === DOCKER_CONFIG;
}

/**
 * Throws `IMAGE_UNSUPPORTED` when a container runtime cannot run this manifest from a bundle: for
 * an artifact, and for an image with non-distributable layers (Windows base layers).
 */
export function checkRunnable(manifest: ImageManifest, subject: string): void {
  if (!isImage(manifest)) {
    const type = manifest.artifactType ?? manifest.config.mediaType;
    throw new ViolaError(
      "IMAGE_UNSUPPORTED",
      `${subject} is not a container image but an artifact (${type})`,
      {
        subject,
        hint: "Add it to images.exclude of the spec if nothing runs it as a container.",
      },
    );
  }
  const foreign = manifest.layers.find(isForeignLayer);
  if (foreign !== undefined) {
    throw new ViolaError(
      "IMAGE_UNSUPPORTED",
      `${subject} has a non-distributable layer (${foreign.digest}, ${foreign.mediaType})`,
      { subject, hint: "Such layers belong to Windows base images; a bundle cannot include them." },
    );
  }
}

/** True for a layer that is available only from its vendor. */
export function isForeignLayer(layer: Descriptor): boolean {
  return FOREIGN.test(layer.mediaType);
}

/**
 * Returns the platform of an image config, or undefined when it has none (ConfigPlatform of
 * containerd).
 */
export function configPlatform(config: Uint8Array): Platform | undefined {
  if (findExcess(config, DEFAULT_LIMITS) !== undefined) return undefined;
  const stated = platformSchema.safeParse(readJson(new TextDecoder().decode(config))).data;
  const { os, architecture, variant } = stated ?? {};
  if (os === undefined || architecture === undefined) return undefined;
  return normalizePlatform({ os, architecture, ...(variant !== undefined && { variant }) });
}

function isKnown(mediaType: string): boolean {
  return MANIFEST_MEDIA_TYPES.includes(mediaType);
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? "" : `${issue.path.join(".")}: ${issue.message}`;
}

function parseJson(bytes: Uint8Array, invalid: (what: string, cause?: unknown) => ViolaError): unknown {
  const excess = findExcess(bytes, LIMITS);
  if (excess !== undefined) throw invalid(`the manifest is not usable: ${excess}`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalid("the manifest is not JSON", cause);
  }
  return parseUnchecked(text, (_, cause) => invalid("the manifest is not JSON", cause), LIMITS);
}

function schema1(subject: string): ViolaError {
  return new ViolaError(
    "IMAGE_UNSUPPORTED",
    `${subject} is an image manifest of schema 1, which containerd does not support`,
    {
      subject,
      hint: "Push the image again with a current Docker version, or use a newer tag.",
    },
  );
}

function toDescriptor(value: z.infer<typeof descriptorSchema>, subject: string): Descriptor {
  const { mediaType, digest, size, platform, annotations } = value;
  if (!isSha256(digest)) {
    throw new ViolaError(
      "IMAGE_UNSUPPORTED",
      `${subject} has the digest ${digest}; only sha256 is supported`,
      {
        subject,
      },
    );
  }
  return {
    mediaType,
    digest,
    size,
    ...(platform && { platform: statedPlatform(platform) }),
    ...(annotations && { annotations }),
  };
}

/**
 * A platform without os or architecture matches no host: containerd and skopeo reject such an image.
 * Only an entry without a platform is matched by its config.
 */
function statedPlatform({ os, architecture, variant }: z.infer<typeof platformSchema>): Platform {
  return {
    os: os ?? "unknown",
    architecture: architecture ?? "unknown",
    ...(variant !== undefined && { variant }),
  };
}
