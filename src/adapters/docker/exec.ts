// Runs a process in a container, with standard input, output, error and exit code.
import { setTimeout as delay } from "node:timers/promises";
import type { Container, ExecInspectInfo } from "dockerode";
import { ViolaError } from "../../errors.js";
import type { ExecSession, OutputChunk } from "../exec/shell.js";
import type { Readable } from "node:stream";

const EXIT_CODE_POLL_MS = 20;
const EXIT_CODE_TRIES = 250;
/** How often a container is asked whether it runs, while a process runs in it. */
const WATCH_MS = 5_000;

/**
 * Starts the process. When the program cannot be started, the engine writes the error to standard
 * output and the exit code is 126 or 127.
 *
 * Without `hijack`, docker-modem returns a stream that loses output and never ends.
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
  const socket = await whileStarting(container, signal, (abortSignal) =>
    exec.start({ hijack: true, stdin: true, Detach: false, Tty: false, abortSignal }),
  );
  const unwatch = onStop(container, () => socket.destroy());
  socket.once("close", unwatch);
  // The reader of the output detects a broken connection. Without a listener, the event would end
  // this program.
  socket.on("error", () => undefined);
  return {
    stdin: socket,
    output: demultiplex(socket),
    exitCode: async (until) => {
      // The output may end before the engine has recorded the exit code.
      for (let tries = 0; tries < EXIT_CODE_TRIES; tries++) {
        const { Running, ExitCode }: ExecInspectInfo = await exec.inspect({ abortSignal: until });
        if (!Running && ExitCode !== null) return ExitCode;
        await delay(EXIT_CODE_POLL_MS, undefined, { signal: until });
      }
      throw new ViolaError(
        "DOCKER_UNAVAILABLE",
        "the Docker engine returned no exit code for a process that has ended",
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
 * Calls `act` when the container has stopped. Returns the function that ends watching. The engine may
 * leave the connections of a container open that stopped while a process was started in it.
 */
function onStop(container: Container, act: () => void): () => void {
  const timer = setInterval(() => {
    // An engine that does not answer is detected by the connection itself.
    void container.inspect().then(
      ({ State }) => {
        if (!State.Running) act();
      },
      () => undefined,
    );
  }, WATCH_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/**
 * Applies the signal only to the start of the process, not to the session. The start may block for
 * minutes when the container stops at the same time: this is an error then.
 */
async function whileStarting<T>(
  container: Container,
  signal: AbortSignal,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const starting = new AbortController();
  const stopped = new ViolaError(
    "NODE_LOAD_FAILED",
    "its container stopped while a process was started in it",
    { subject: container.id },
  );
  const unwatch = onStop(container, () => {
    starting.abort(stopped);
  });
  const abort = (): void => {
    starting.abort(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await start(starting.signal);
  } catch (cause) {
    throw starting.signal.reason === stopped ? stopped : cause;
  } finally {
    unwatch();
    signal.removeEventListener("abort", abort);
  }
}

const HEADER_BYTES = 8;

const STDERR = 2;

/**
 * Splits the stream of an attached process without a terminal into frames: 1 byte for the stream, 3
 * zero bytes, 4 bytes for the length, payload. Yields the received part of a frame that is
 * truncated by the end of the connection.
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
