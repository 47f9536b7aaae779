// The frames of the engine's output, in chunks of any size; a container that stops meanwhile.
import { PassThrough, Readable } from "node:stream";
import type { Container } from "dockerode";
import { afterEach, expect, test, vi } from "vitest";
import { demultiplex, startExec } from "../../../../src/adapters/docker/exec.js";

afterEach(() => {
  vi.useRealTimers();
});

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

/** A container that has stopped, in an engine that still leaves its connections open. */
function stoppedContainer(start: (signal: AbortSignal) => Promise<unknown>): Container {
  const exec = { start: ({ abortSignal }: { abortSignal: AbortSignal }) => start(abortSignal) };
  const container = {
    id: "node",
    exec: () => Promise.resolve(exec),
    inspect: () => Promise.resolve({ State: { Running: false } }),
  };
  return container as unknown as Container;
}

test("a process that is started in a container which stops is an error", async () => {
  vi.useFakeTimers();
  const container = stoppedContainer(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          reject(new Error("aborted"));
        });
      }),
  );
  const started = startExec(container, ["ctr"], new AbortController().signal).catch(
    (cause: unknown) => cause,
  );

  await vi.advanceTimersByTimeAsync(10_000);

  expect(await started).toMatchObject({ code: "NODE_LOAD_FAILED", subject: "node" });
});

test("the output of a process ends when its container has stopped", async () => {
  vi.useFakeTimers();
  const socket = new PassThrough();
  const container = stoppedContainer(() => Promise.resolve(socket));
  await startExec(container, ["ctr"], new AbortController().signal);

  await vi.advanceTimersByTimeAsync(10_000);

  expect(socket.destroyed).toBe(true);
});
