// An image after its reference was resolved: digests, sizes, and the bytes of indexes and
// manifests.
import type { ImageArtifact } from "./image-artifact.js";
import type { ImageUse } from "./image-use.js";
import type { NormalizedReference } from "./reference.js";
import type { Descriptor, Platform, RawManifest } from "../oci/descriptor.js";
import type { Digest } from "../oci/digest.js";

/** Where the bytes of a blob are available. */
export type BlobSource =
  | { readonly kind: "registry"; readonly registry: string; readonly repository: string }
  /**
   * The blob's bytes at `offset` of a local file: an earlier bundle, or an archive written by
   * `docker save`.
   */
  | { readonly kind: "file"; readonly file: string; readonly offset: number };

/** One platform of an image. */
export interface PlatformImage {
  readonly platform: Platform;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** See `AttachedManifest`; absent when there are none. */
  readonly attached?: readonly AttachedManifest[];
}

/**
 * A manifest that containerd fetches together with a platform of an index: one without a platform,
 * such as an artifact, or a second one of the same platform.
 */
export interface AttachedManifest {
  readonly digest: Digest;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** A resolved reference. */
export interface ResolvedImage {
  readonly use: ImageUse;
  /** All names that must resolve on a node, sorted; see `kubeletName`. */
  readonly names: readonly NormalizedReference[];
  /** The index, or the manifest of a single-platform image, that the reference resolves to. */
  readonly root: Descriptor;
  /** The root, nested indexes, and all child manifests found, including those of other platforms. */
  readonly manifests: readonly RawManifest[];
  /**
   * Manifests listed by an index of the image that no registry has. Nobody requested their
   * platforms.
   */
  readonly absent?: readonly Descriptor[];
  /** The platforms whose blobs are included, in the requested order. */
  readonly platforms: readonly PlatformImage[];
  /** The source of each config and layer of the platforms, by digest. */
  readonly sources: ReadonlyMap<string, BlobSource>;
  /**
   * True when the image was exported from a Docker engine, so that its digests differ from the
   * registry's.
   */
  readonly rebuilt: boolean;
  /** Artifacts that belong to the image, sorted by digest; absent if none were looked for. */
  readonly artifacts?: readonly ImageArtifact[];
}

/** Returns the image with its artifacts, whose blobs are where its own are. */
export function withArtifacts(
  image: ResolvedImage,
  artifacts: readonly ImageArtifact[],
  source: { readonly registry: string; readonly repository: string },
): ResolvedImage {
  if (artifacts.length === 0) return image;
  const place = { kind: "registry", ...source } as const;
  const blobs = artifacts.flatMap((artifact) => artifact.blobs);
  return {
    ...image,
    artifacts,
    sources: new Map([...blobs.map(({ digest }) => [digest, place] as const), ...image.sources]),
  };
}
