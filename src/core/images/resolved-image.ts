// An image after its reference was resolved: digests, sizes, raw bytes of everything small.
import type { ImageUse } from "./image-use.js";
import type { NormalizedReference } from "./reference.js";
import type { Descriptor, Platform } from "../oci/descriptor.js";

/** Where the bytes of a blob are to be had. */
export type BlobSource =
  | { readonly kind: "registry"; readonly registry: string; readonly repository: string }
  /** `size` bytes at `offset` of a local file: an earlier bundle, or what `docker save` wrote. */
  | { readonly kind: "file"; readonly file: string; readonly offset: number };

/** An index or manifest with its bytes as the registry sent them: digests stay the registry's. */
export interface RawManifest extends Descriptor {
  readonly bytes: Uint8Array;
}

/** One platform of an image. */
export interface PlatformImage {
  readonly platform: Platform;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** A reference made exact. */
export interface ResolvedImage {
  readonly use: ImageUse;
  /** Every name that must resolve on a node, sorted; see `nodeNames`. */
  readonly names: readonly NormalizedReference[];
  /** What the reference points to: an index, or a manifest for an image of one platform. */
  readonly root: Descriptor;
  /** Root, nested indexes and every child manifest that was found, those of other platforms included. */
  readonly manifests: readonly RawManifest[];
  /** What an index of the image lists and no registry has: manifests of platforms that nobody asked for. */
  readonly absent?: readonly Descriptor[];
  /** The platforms whose blobs come along, in the order asked for. */
  readonly platforms: readonly PlatformImage[];
  /** Where each config and layer of the platforms is to be had, by digest. */
  readonly sources: ReadonlyMap<string, BlobSource>;
  /** True when the digests are not a registry's: the image came out of a Docker engine. */
  readonly rebuilt: boolean;
}
