// A node whose containerd is reached through `ctr` in the node's container.
import { pipeline } from "node:stream/promises";
import type { ClusterNode, WantedName } from "../../core/cluster/node.js";
import type { Chunks } from "../../core/cluster/thin-archive.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { ViolaError, settleAll } from "../../errors.js";
import type { DockerEngine, ExecResult } from "../docker/engine.js";
import type { ExecSession } from "../docker/exec.js";
import { parseCompleteImages } from "./check-output.js";
import { checkArguments, FETCH, IMPORT, LIST_BLOBS, PIN_NAMES, PROBE } from "./node-scripts.js";

/** Time for a node to end its fetches and take its folder away after an interruption. */
const CLEAN_UP_MS = 10_000;

/** What is known of a node before it is asked anything more. */
export interface CtrNodeFacts {
  readonly container: string;
  readonly name: string;
  readonly platform: Platform;
  readonly hostAddresses: readonly string[];
}

/** See `ClusterNode` for what each method promises. */
export class CtrNode implements ClusterNode {
  readonly name: string;
  readonly platform: Platform;
  readonly hostAddresses: readonly string[];
  readonly #container: string;
  readonly #engine: DockerEngine;

  constructor(engine: DockerEngine, facts: CtrNodeFacts) {
    this.name = facts.name;
    this.platform = facts.platform;
    this.hostAddresses = facts.hostAddresses;
    this.#container = facts.container;
    this.#engine = engine;
  }

  async completeImages(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    if (names.length === 0) return new Map();
    const result = await this.#exec(checkArguments(names), signal);
    // `check` may fail for one image that is damaged and still print the rest; only a node that prints nothing has not answered.
    if (result.exitCode !== 0 && result.stdout === "") throw this.#failure("images cannot be listed", result);
    return parseCompleteImages(result.stdout);
  }

  async presentBlobs(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const result = await this.#exec(LIST_BLOBS, signal);
    if (result.exitCode !== 0) throw this.#failure("content cannot be listed", result);
    return new Set(result.stdout.split("\n").filter((line) => line !== ""));
  }

  async findReachable(
    endpoints: readonly string[],
    name: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { stdout } = await this.#exec(script(PROBE, [name, ...endpoints]), signal);
    return endpoints.find((endpoint) => endpoint === stdout.trim());
  }

  async fetchImages(
    wanted: readonly WantedName[],
    endpoint: string,
    concurrency: number,
    signal: AbortSignal,
  ): Promise<void> {
    const session = await this.#engine.openExec(this.#container, script(FETCH, [endpoint]), signal);
    // Not the connection is cut but the input ended: the script then cleans up, and the output ends when it has.
    const stop = (): void => {
      session.stdin.end();
      AbortSignal.timeout(CLEAN_UP_MS).addEventListener("abort", () => {
        session.destroy();
      });
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      const failures = await this.#runFetches(session, wanted, concurrency, signal);
      signal.throwIfAborted();
      await settleAll(
        `${failures.length} images could not be fetched`,
        failures.map((failure) => Promise.reject(failure)),
      );
    } finally {
      signal.removeEventListener("abort", stop);
      session.destroy();
    }
  }

  /** Keeps `concurrency` fetches running, reads the answers until the script has ended, and returns what failed. */
  async #runFetches(
    session: ExecSession,
    wanted: readonly WantedName[],
    concurrency: number,
    signal: AbortSignal,
  ): Promise<readonly ViolaError[]> {
    const waiting = [...wanted];
    const running = new Set<string>();
    const failures: ViolaError[] = [];
    const other: string[] = [];
    const startNext = (): void => {
      const next = signal.aborted ? undefined : waiting.shift();
      if (next !== undefined) {
        running.add(next.name);
        session.stdin.write(`${next.platform} ${next.name}\n`);
      }
      if (running.size === 0) session.stdin.end();
    };
    for (let count = 0; count < Math.min(concurrency, Math.max(wanted.length, 1)); count++) startNext();
    for await (const line of linesOf(session)) {
      const [, outcome, name, why] = /^(done|failed) (\S+) ?(.*)$/.exec(line) ?? [];
      if (name === undefined || !running.delete(name)) {
        other.push(line);
        continue;
      }
      if (outcome === "failed") failures.push(this.#imageFailure(name, why ?? ""));
      startNext();
    }
    const lost = [...running, ...waiting.map((one) => one.name)];
    if (lost.length > 0) failures.push(this.#stopped(lost.length, other));
    return failures;
  }

  async importImages(wanted: readonly WantedName[], archive: Chunks, signal: AbortSignal): Promise<void> {
    const platform = wanted[0]?.platform;
    if (platform === undefined) return;
    const session = await this.#engine.openExec(this.#container, script(IMPORT, [platform]), signal);
    const abort = (): void => {
      session.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      // When ctr gives up early the archive is not read to its end: its own message, not the broken pipe, says why.
      const feeding = pipeline(archive, session.stdin, { signal }).catch(() => undefined);
      const lines: string[] = [];
      for await (const line of linesOf(session)) lines.push(line);
      session.destroy();
      await feeding;
      signal.throwIfAborted();
      const exitCode = await session.exitCode(signal);
      if (exitCode !== 0)
        throw this.#failure("the import failed", { exitCode, stdout: lines.join("\n"), stderr: "" });
    } finally {
      signal.removeEventListener("abort", abort);
      session.destroy();
    }
    const pinned = await this.#exec(
      script(
        PIN_NAMES,
        wanted.map((one) => one.name),
      ),
      signal,
    );
    if (pinned.exitCode !== 0) throw this.#failure("images cannot be pinned", pinned);
  }

  async #exec(argv: readonly string[], signal: AbortSignal): Promise<ExecResult> {
    return await this.#engine.exec(this.#container, argv, signal);
  }

  #failure(what: string, { exitCode, stdout, stderr }: ExecResult): ViolaError {
    const said = lastLine(stderr) || lastLine(stdout);
    return new ViolaError("NODE_LOAD_FAILED", `${this.name}: ${what} (exit ${exitCode}): ${said}`, {
      subject: this.name,
      ...hintFor(said),
    });
  }

  #imageFailure(name: string, why: string): ViolaError {
    return new ViolaError("NODE_LOAD_FAILED", `${this.name}: ${name} could not be fetched: ${why}`, {
      subject: name,
      ...hintFor(why),
    });
  }

  #stopped(count: number, said: readonly string[]): ViolaError {
    const detail = said.length === 0 ? "" : `: ${said.at(-1) ?? ""}`;
    return new ViolaError(
      "NODE_LOAD_FAILED",
      `${this.name} stopped with ${count} images not fetched${detail}`,
      {
        subject: this.name,
        hint: `See that the node runs (docker ps -a), then load again: what has arrived is not sent twice.`,
      },
    );
  }
}

function script(text: string, values: readonly string[]): readonly string[] {
  return ["sh", "-c", text, "sh", ...values];
}

async function* linesOf(session: ExecSession): AsyncIterable<string> {
  let rest = "";
  try {
    for await (const { bytes } of session.output) {
      const lines = (rest + bytes.toString()).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch {
    // The connection broke: what has been said counts, and the caller sees what is missing.
  }
  if (rest !== "") yield rest;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

function hintFor(message: string): { hint?: string } {
  return message.includes("no space left on device")
    ? { hint: "Free disk space where the node keeps /var, then load again." }
    : {};
}
