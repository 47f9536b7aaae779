// A bundle as an OCI artifact: bundle.json is the config, and pieces of the file are the layers, in
// order. Concatenated, they are the bundle byte for byte.
// https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage
import { ViolaError } from "../../errors.js";
import type { Reference } from "../images/reference.js";
import { OCI_MANIFEST } from "../oci/descriptor.js";
import type { Digest } from "../oci/digest.js";
import type { ImageIndex, ImageManifest } from "../oci/manifest.js";

export const BUNDLE_TYPE = "application/vnd.viola-airgap.bundle.v1+json";
export const PIECE_TYPE = "application/vnd.viola-airgap.bundle.piece.v1";

/** Small enough for proxies in front of registries, and for repeating one after a failure. */
export const PIECE_BYTES = 512 * 1024 * 1024;
/** Registries limit the size of a manifest to 4 MiB. A piece takes about 300 bytes of it. */
const MAX_PIECES = 4096;

/** A part of the bundle file. */
export interface FileRange {
  /** From the start of the file, in bytes. */
  readonly offset: number;
  readonly size: number;
}

export interface Piece extends FileRange {
  readonly digest: Digest;
}

/** A bundle in a registry. */
export interface BundleArtifact {
  /** `bundle.json` */
  readonly config: { readonly digest: Digest; readonly size: number };
  /** In the order of the file. */
  readonly pieces: readonly Piece[];
  /** Size of the file in bytes. */
  readonly size: number;
}

/** An artifact, and the name that its pieces are fetched by. */
export interface FetchedArtifact extends BundleArtifact {
  readonly reference: Reference;
}

/**
 * Divides a file of `size` bytes into pieces of `wanted` bytes, or larger ones if they would be too
 * many. The last one may be smaller.
 */
export function divideFile(size: number, wanted = PIECE_BYTES): readonly FileRange[] {
  const pieceBytes = Math.max(1, wanted, Math.ceil(size / MAX_PIECES));
  return Array.from({ length: Math.ceil(size / pieceBytes) }, (_, index) => {
    const offset = index * pieceBytes;
    return { offset, size: Math.min(pieceBytes, size - offset) };
  });
}

/** Returns the bytes of the manifest. `file` is the name of the bundle, for tools that write files. */
export function artifactManifest({ config, pieces }: BundleArtifact, file: string): Uint8Array {
  const title = "org.opencontainers.image.title";
  const layers = pieces.map(({ digest, size }, index) => ({
    mediaType: PIECE_TYPE,
    digest,
    size,
    annotations: { [title]: `${file}.${String(index + 1).padStart(4, "0")}` },
  }));
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: BUNDLE_TYPE,
      config: { mediaType: BUNDLE_TYPE, ...config },
      layers,
      annotations: { [title]: file },
    }),
  );
}

/**
 * Reads a manifest as that of a bundle. `subject` is its name in messages. Throws
 * `BUNDLE_UNSUPPORTED` for anything else.
 */
export function parseArtifact(content: ImageIndex | ImageManifest, subject: string): BundleArtifact {
  const isBundle = content.kind === "manifest" && content.config.mediaType === BUNDLE_TYPE;
  if (!isBundle || content.layers.length === 0) throw unsupported(subject, "is not a viola-airgap bundle");
  let offset = 0;
  const pieces = content.layers.map(({ mediaType, digest, size }): Piece => {
    if (mediaType !== PIECE_TYPE)
      throw unsupported(subject, `has a layer that this release cannot read: ${mediaType}`);
    const piece = { digest, size, offset };
    offset += size;
    return piece;
  });
  const { digest, size } = content.config;
  return { config: { digest, size }, pieces, size: offset };
}

function unsupported(subject: string, what: string): ViolaError {
  return new ViolaError("BUNDLE_UNSUPPORTED", `${subject} ${what}`, {
    subject,
    hint: "Name a bundle that `viola-airgap push` stored.",
  });
}
