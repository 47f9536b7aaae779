// The stream in which the engine sends standard output and standard error of a process, told apart again.
import type { Readable } from "node:stream";
import type { OutputChunk } from "../containerd/node-shell.js";

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * Splits the frames of an attached process without a terminal: 1 byte stream, 3 bytes zero, 4 bytes length, payload. A frame that is cut
 * off by the end of the connection is yielded as far as it came.
 * https://docs.docker.com/reference/api/engine/ (ContainerAttach, stream format)
 */
export async function* demultiplex(source: Readable): AsyncIterable<OutputChunk> {
  let header = Buffer.alloc(0);
  let remaining = 0;
  let stream: OutputChunk["stream"] = "stdout";
  for await (let chunk of source as AsyncIterable<Buffer>) {
    while (chunk.length > 0) {
      if (remaining === 0) {
        const missing = HEADER_BYTES - header.length;
        header = Buffer.concat([header, chunk.subarray(0, missing)]);
        chunk = chunk.subarray(missing);
        if (header.length < HEADER_BYTES) continue;
        stream = header[0] === STDERR ? "stderr" : "stdout";
        remaining = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const bytes = chunk.subarray(0, remaining);
      remaining -= bytes.length;
      chunk = chunk.subarray(bytes.length);
      yield { stream, bytes };
    }
  }
}
