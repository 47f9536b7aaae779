// The frames of the engine's output, in chunks of any size.
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { demultiplex } from "../../../../src/adapters/docker/exec.js";

function frame(stream: number, text: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

async function collect(chunks: readonly Buffer[]): Promise<{ stdout: string; stderr: string }> {
  const output = { stdout: "", stderr: "" };
  for await (const { stream, bytes } of demultiplex(Readable.from(chunks)))
    output[stream] += bytes.toString();
  return output;
}

const frames = Buffer.concat([frame(1, "out"), frame(2, "problem"), frame(1, ""), frame(1, "put")]);

test.each([1, 2, 3, 7, 8, 9, 1000])("frames in chunks of %d bytes are separated", async (size) => {
  const chunks: Buffer[] = [];
  for (let at = 0; at < frames.length; at += size) chunks.push(frames.subarray(at, at + size));
  expect(await collect(chunks)).toEqual({ stdout: "output", stderr: "problem" });
});

test("a truncated frame keeps the received bytes", async () => {
  expect(await collect([frame(1, "whole").subarray(0, 10)])).toEqual({ stdout: "wh", stderr: "" });
});
