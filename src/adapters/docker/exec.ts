// A process in a container, with its standard input, output, error and exit code.
import { setTimeout as delay } from "node:timers/promises";
import type { Container, ExecInspectInfo } from "dockerode";
import { ViolaError } from "../../errors.js";
import type { ExecSession } from "../exec/shell.js";
import type { Readable } from "node:stream";
import type { OutputChunk } from "../exec/shell.js";

const EXIT_CODE_POLL_MS = 20;
const EXIT_CODE_TRIES = 250;

/**
 * Starts the process. `hijack` is a must: without it docker-modem answers with a stream that loses output and never ends.
 * The engine says "no such program" on standard output with exit code 126 or 127.
 */
export async function startExec(
  container: Container,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExecSession> {
  const exec = await container.exec({
    Cmd: [...argv],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    abortSignal: signal,
  });
  const socket = await whileStarting(signal, (abortSignal) =>
    exec.start({ hijack: true, stdin: true, Detach: false, Tty: false, abortSignal }),
  );
  // A connection that breaks is seen by whoever reads the output; without a listener it would end the program.
  socket.on("error", () => undefined);
  return {
    stdin: socket,
    output: demultiplex(socket),
    exitCode: async (until) => {
      // The output may end a moment before the engine has noted the exit code.
      for (let tries = 0; tries < EXIT_CODE_TRIES; tries++) {
        const { Running, ExitCode }: ExecInspectInfo = await exec.inspect({ abortSignal: until });
        if (!Running && ExitCode !== null) return ExitCode;
        await delay(EXIT_CODE_POLL_MS, undefined, { signal: until });
      }
      throw new ViolaError(
        "DOCKER_UNAVAILABLE",
        "the Docker engine gives no exit code of a process that has ended",
        {
          subject: argv[0] ?? "",
        },
      );
    },
    destroy: () => {
      socket.destroy();
    },
  };
}

/**
 * Lets the signal end the start alone, not the session that comes of it. An engine may keep a start waiting for minutes when the container
 * dies at that very moment.
 */
async function whileStarting<T>(signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const starting = new AbortController();
  const abort = (): void => {
    starting.abort(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await start(starting.signal);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

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
