// A blob of a registry as a stream, fetched as the bundle writer fetches it.
import { PassThrough, type Readable } from "node:stream";
import type { BlobSource } from "../../core/images/resolved-image.js";
import type { Descriptor } from "../../core/oci/descriptor.js";
import { fetchBlob, type Connections } from "./fetch-blob.js";
import type { RegistryClient } from "../registry/client.js";
import { fillBlob } from "./fill-blob.js";

const BLOCK_BYTES = 256 * 1024;

/**
 * Streams a blob as the bundle writer fetches it: mirrors, tokens, redirects, retries and the check of its digest are the same. What arrives faster than it
 * is read waits in memory, at most the whole blob.
 */
export function streamBlob(
  descriptor: Descriptor,
  source: BlobSource,
  subject: string,
  registry: RegistryClient,
  signal: AbortSignal,
): Readable {
  const stream = new PassThrough();
  const connections: Connections = { idle: new Map(), block: Buffer.allocUnsafeSlow(BLOCK_BYTES) };
  let delivered = 0;
  const output = {
    failure: undefined,
    uncount: () => undefined,
    // A broken download begins again, here or further on: what was handed on already is passed over.
    write(block: Uint8Array, offset: number): void {
      signal.throwIfAborted();
      if (stream.destroyed) throw new Error("nobody reads on");
      const fresh = block.subarray(Math.max(0, delivered - offset));
      delivered += fresh.length;
      if (fresh.length > 0) stream.write(Buffer.from(fresh));
    },
  };
  const blob = { ...descriptor, offset: 0, image: subject, sources: [source] };
  const ended = new AbortController();
  stream.on("close", () => {
    ended.abort();
  });
  fillBlob(blob, [], {
    workers: {
      run: async (job) => {
        if (job.kind !== "fetch") throw new TypeError(`no ${job.kind} job was given`);
        return fetchBlob(job, output, connections);
      },
    },
    registry,
    signal: AbortSignal.any([signal, ended.signal]),
  })
    .then(
      () => stream.end(),
      (cause: unknown) => stream.destroy(cause as Error),
    )
    .finally(() => {
      for (const connection of [...connections.idle.values()].flat()) connection.close();
    });
  return stream;
}
