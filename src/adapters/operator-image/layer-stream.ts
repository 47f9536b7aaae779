// One layer of an image as the stream of its tar: out of a registry or a saved file, uncompressed on the way, never on disk.
import { createReadStream } from "node:fs";
import { PassThrough, type Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { BlobSource } from "../../core/images/resolved-image.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { ViolaError } from "../../errors.js";
import { streamBlob } from "../blobs/stream-blob.js";
import type { RegistryClient } from "../registry/client.js";

/** Node has zstd since 22.15 only. */
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => Transform };

/**
 * Opens a layer. The stream ends with the error of the place that it comes from, with `DIGEST_MISMATCH` when the bytes were not the layer's (what was
 * read until then counts for nothing), or with that of the decompressor. Destroying it ends the download.
 * Throws `IMAGE_UNSUPPORTED` for zstd where Node has none, and for a compression that nobody knows.
 */
export function openLayer(
  layer: Descriptor,
  source: BlobSource,
  subject: string,
  registry: RegistryClient,
  signal: AbortSignal,
): Readable {
  const decompress = decompressor(layer, subject);
  const raw: Readable =
    source.kind === "file"
      ? createReadStream(source.file, { start: source.offset, end: source.offset + layer.size - 1, signal })
      : streamBlob(layer, source, subject, registry, signal);
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
    throw unsupported("is compressed with zstd", "Run this with Node 22.15 or newer, which can read it.");
  }
  if (mediaType.endsWith(".tar")) return new PassThrough();
  throw unsupported(`has the media type ${mediaType}`);
}
