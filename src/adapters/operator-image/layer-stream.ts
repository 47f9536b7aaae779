// Streams the uncompressed tar of an image layer from a registry or a saved file.
import { createReadStream } from "node:fs";
import { PassThrough, type Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import { streamBlob, type ImageBlob } from "../blobs/stream-blob.js";
import type { RegistryClient } from "../registry/client.js";

/** Node.js supports zstd since 22.15. */
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Transform };

/**
 * Opens a layer. The stream fails with the error of its source or of the decompressor, or with
 * `DIGEST_MISMATCH` when the content does not match the digest. In this case, the content that was
 * read must be discarded. Destroying the stream ends the download.
 * Throws `IMAGE_UNSUPPORTED` for zstd when Node.js does not support it, and for an unknown
 * compression.
 */
export function openLayer(layer: ImageBlob, registry: RegistryClient, signal: AbortSignal): Readable {
  const { descriptor, source, image } = layer;
  const decompress = decompressor(descriptor, image);
  const raw: Readable =
    source.kind === "file"
      ? createReadStream(source.file, {
          start: source.offset,
          end: source.offset + descriptor.size - 1,
          signal,
        })
      : streamBlob(layer, registry, signal);
  raw.on("error", (cause: Error) => decompress.destroy(cause));
  decompress.on("close", () => raw.destroy());
  return raw.pipe(decompress);
}

function decompressor({ mediaType, digest }: Descriptor, subject: string): Transform {
  const unsupported = (why: string, hint?: string): ViolaError =>
    new ViolaError("IMAGE_UNSUPPORTED", `${subject}: layer ${digest} ${why}`, {
      subject,
      ...(hint !== undefined && { hint }),
    });
  if (/[.+]gzip$/.test(mediaType)) return zlib.createGunzip();
  if (mediaType.endsWith("+zstd")) {
    if (createZstdDecompress !== undefined) return createZstdDecompress();
    throw unsupported("is compressed with zstd", "Use Node.js 22.15 or newer, which supports zstd.");
  }
  if (mediaType.endsWith(".tar")) return new PassThrough();
  throw unsupported(`has the media type ${mediaType}`);
}
