// Streams the uncompressed tar of an image layer from a registry or a saved file.
import { createReadStream } from "node:fs";
import { PassThrough, type Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import type { BlobCache } from "../blobs/blob-cache.js";
import { streamBlob, type ImageBlob } from "../blobs/stream-blob.js";
import type { RegistryClient } from "../registry/client.js";

/** Node.js supports zstd since 22.15. */
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Transform };

/** Where layers come from. */
export interface LayerPorts {
  readonly registry: RegistryClient;
  /** Keeps what is fetched. */
  readonly cache: BlobCache;
}

/**
 * Opens a layer: from the cache, or from its source. A layer of a registry is kept in the cache when
 * it is read to its end. The stream fails with the error of its source or of the decompressor, or
 * with `DIGEST_MISMATCH` when the content does not match the digest. In this case, the content that
 * was read must be discarded. Destroying the stream ends the download.
 * Throws `IMAGE_UNSUPPORTED` for zstd when Node.js does not support it, and for an unknown
 * compression.
 */
export async function openLayer(layer: ImageBlob, ports: LayerPorts, signal: AbortSignal): Promise<Readable> {
  const decompress = decompressor(layer.descriptor, layer.image);
  const raw = await openBlob(layer, ports, signal);
  raw.on("error", (cause: Error) => decompress.destroy(cause));
  decompress.on("close", () => raw.destroy());
  return raw.pipe(decompress);
}

async function openBlob(
  layer: ImageBlob,
  { registry, cache }: LayerPorts,
  signal: AbortSignal,
): Promise<Readable> {
  const { descriptor, source } = layer;
  const { digest, size } = descriptor;
  if (source.kind === "file") {
    const { file, offset } = source;
    return createReadStream(file, { start: offset, end: offset + size - 1, signal });
  }
  const kept = await cache.find(descriptor);
  if (kept !== undefined) return cache.read(kept, digest);
  const fetched = streamBlob(layer, registry, signal);
  const keep = cache.keep(digest);
  fetched.on("error", (cause: Error) => keep.destroy(cause));
  keep.on("close", () => fetched.destroy());
  return fetched.pipe(keep);
}

function decompressor({ mediaType, digest }: Descriptor, subject: string): Transform {
  const unsupported = (why: string, hint?: string): ViolaError =>
    new ViolaError("IMAGE_UNSUPPORTED", `${subject}: layer ${digest} ${why}`, {
      subject,
      ...(hint !== undefined && { hint }),
    });
  if (/[.+]gzip$/.test(mediaType)) return zlib.createGunzip();
  if (/[.+]zstd$/.test(mediaType)) {
    if (createZstdDecompress !== undefined) return createZstdDecompress();
    throw unsupported("is compressed with zstd", "Use Node.js 22.15 or newer, which supports zstd.");
  }
  if (mediaType.endsWith(".tar")) return new PassThrough();
  throw unsupported(`has the media type ${mediaType}`);
}
