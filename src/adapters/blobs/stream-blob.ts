// Streams a blob of a registry with backpressure, fetched as the bundle writer fetches it.
import { once } from "node:events";
import { PassThrough, type Readable } from "node:stream";
import type { BlobSource } from "../../core/images/resolved-image.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import type { RegistryClient } from "../registry/client.js";
import { clientGet, fetchBlob, type BlobOutput } from "./fetch-blob.js";
import { fetchFromRegistries } from "./fill-blob.js";

/** A blob of an image, and its source. */
export interface ImageBlob {
  readonly descriptor: Descriptor;
  readonly source: BlobSource;
  /** The image's name for messages. */
  readonly image: string;
}

/**
 * Streams a blob as the bundle writer fetches it, with mirrors, tokens, redirects, retries and the
 * digest check. Only some kilobytes are buffered for a slow reader. Destroying the stream ends the
 * download. The stream fails with the error of `fetchFromRegistries`, or the signal's reason.
 */
export function streamBlob(
  { descriptor, source, image }: ImageBlob,
  registry: RegistryClient,
  signal: AbortSignal,
): Readable {
  const stream = new PassThrough();
  const ended = new AbortController();
  stream.on("close", () => {
    ended.abort();
  });
  const eitherSignal = AbortSignal.any([signal, ended.signal]);
  const output = outputTo(stream, eitherSignal);
  const get = clientGet(registry.http, eitherSignal);
  fetchFromRegistries(
    { ...descriptor, offset: 0, image, sources: [source] },
    (job) => fetchBlob(job, output, get, eitherSignal),
    { pull: registry.pull, signal: eitherSignal },
  ).then(
    () => stream.end(),
    (cause: unknown) => stream.destroy(cause as Error),
  );
  return stream;
}

/** A resumed download may repeat bytes. Skips the bytes that were already written to the stream. */
function outputTo(stream: PassThrough, signal: AbortSignal): BlobOutput {
  let delivered = 0;
  return {
    failure: undefined,
    uncount: () => undefined,
    write: async (block, offset) => {
      signal.throwIfAborted();
      const fresh = block.subarray(Math.max(0, delivered - offset));
      delivered += fresh.length;
      if (fresh.length > 0 && !stream.write(fresh)) await once(stream, "drain", { signal });
    },
  };
}
