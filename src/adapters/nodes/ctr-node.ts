// A node that is controlled through `ctr`, in the node's container or on this machine.
import type { Writable } from "node:stream";
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type {
  ClusterNode,
  FetchOptions,
  FreeSpace,
  HeldBlobs,
  ImportOptions,
  NodeImage,
  NodeMirror,
  WantedName,
} from "../../core/load/node.js";
import type { Chunks } from "../../core/bundle/partial-archive.js";
import { countOf } from "../../core/count-of.js";
import { digestOf } from "../../core/oci/digest.js";
import type { Platform } from "../../core/oci/descriptor.js";
import { normalizePlatform } from "../../core/oci/platform.js";
import { oneOrMany, ViolaError } from "../../errors.js";
import { linesOf, runJobs, type JobAnswer, type JobOptions } from "./node-jobs.js";
import type { ExecResult, NodeShell } from "../exec/shell.js";
import {
  bundleLabel,
  checkArguments,
  DESCRIBE,
  FETCH,
  FREE_SPACE,
  HOLD,
  IMPORT,
  LABEL_NAMES,
  LIST_BLOBS,
  LIST_CONTAINERS,
  LIST_IMAGES,
  MIRROR,
  noBundleLabel,
  parseCompleteImages,
  parseImages,
  PIN_NAMES,
  PROBE,
  REMOVE,
  UNPACK,
} from "./node-scripts.js";

/** An address that has not responded after this time is treated as unreachable. */
const PROBE_MS = 4_000;
/**
 * How often a busy node is checked. A paused node keeps its connections open and sends nothing, so
 * only a check detects it.
 */
const BEAT_MS = 5_000;
const ANSWER_MS = 30_000;
const MISSED_BEATS = 2;
/** How long a node may take to release what a script has set up on it. */
const RELEASE_MS = 10_000;
/** Lifting a mirror waits up to ten seconds for images in use. */
const LIFT_MS = 60_000;

/** What is known about a node before the first command runs on it. */
export interface CtrNodeFacts {
  readonly name: string;
  /** See `ClusterNode`. */
  readonly hostNames?: readonly string[];
  readonly hostAddresses: readonly string[];
  /** The hint for errors when containerd does not respond. */
  readonly hint: string;
}

/**
 * Reads the platform of the node. Throws `NODE_LOAD_FAILED` when its containerd does not respond.
 */
export async function connectCtrNode(
  shell: NodeShell,
  facts: CtrNodeFacts,
  signal: AbortSignal,
): Promise<ClusterNode> {
  const { name, hint } = facts;
  const { exitCode, stdout, stderr } = await shell.exec(["sh", "-c", DESCRIBE], signal);
  if (exitCode !== 0) {
    const said = lastLine(stderr) || lastLine(stdout);
    throw new ViolaError("NODE_LOAD_FAILED", `containerd on node ${name} does not respond: ${said}`, {
      subject: name,
      hint,
    });
  }
  return new CtrNode(shell, platformOfMachine(stdout.trim()), facts);
}

/** Converts the output of `uname -m` to a platform. */
export function platformOfMachine(machine: string): Platform {
  const [, version] = /^armv(\d)/.exec(machine) ?? [];
  if (version !== undefined && version < "8")
    return { os: "linux", architecture: "arm", variant: `v${version}` };
  return normalizePlatform({ os: "linux", architecture: machine });
}

/** The methods are documented on `ClusterNode`. */
class CtrNode implements ClusterNode {
  readonly name: string;
  readonly platform: Platform;
  readonly hostAddresses: readonly string[];
  readonly hostNames?: readonly string[];
  readonly #shell: NodeShell;
  readonly #hint: string;

  constructor(shell: NodeShell, platform: Platform, { name, hostAddresses, hostNames, hint }: CtrNodeFacts) {
    this.name = name;
    this.platform = platform;
    this.hostAddresses = hostAddresses;
    if (hostNames !== undefined) this.hostNames = hostNames;
    this.#shell = shell;
    this.#hint = hint;
  }

  async completeImages(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    if (names.length === 0) return new Map();
    const result = await this.#exec(checkArguments(names), signal);
    // `check` may fail because of one damaged image and still print the others. Empty output means
    // that the command itself failed.
    if (result.exitCode !== 0 && result.stdout === "") throw this.#failure("images cannot be listed", result);
    return parseCompleteImages(result.stdout);
  }

  async presentBlobs(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const result = await this.#exec(LIST_BLOBS, signal);
    if (result.exitCode !== 0) throw this.#failure("content cannot be listed", result);
    return new Set(result.stdout.split("\n").filter((line) => line !== ""));
  }

  async holdBlobs(digests: readonly string[], signal: AbortSignal): Promise<HeldBlobs> {
    // Every run has an anchor of its own.
    const text = `viola-airgap ${randomBytes(16).toString("hex")}`;
    const setUp = await this.#setUp(script(HOLD, [text, digestOf(text), ...digests]), signal);
    if (setUp.failure === undefined) return { release: () => setUp.end(RELEASE_MS) };
    throw new ViolaError(
      "NODE_LOAD_FAILED",
      `${this.name}: content cannot be protected from garbage collection: ${setUp.failure}`,
      { subject: this.name, ...this.#hintFor(setUp.failure) },
    );
  }

  async freeSpace(signal: AbortSignal): Promise<FreeSpace | undefined> {
    const { stdout } = await this.#exec(["sh", "-c", FREE_SPACE], signal);
    const [, disk, kilobytes] = /^(\d+) (\d+)$/m.exec(stdout) ?? [];
    return disk === undefined ? undefined : { disk, bytes: Number(kilobytes) * 1024 };
  }

  async findReachable(
    endpoints: readonly string[],
    name: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const enough = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]);
    const answers = this.#jobs(
      script(PROBE, [name]),
      { lines: endpoints, concurrency: endpoints.length },
      enough,
    );
    try {
      for await (const { outcome, subject } of answers) {
        if (outcome === "done") return subject;
      }
    } catch (cause) {
      signal.throwIfAborted();
      if (!enough.aborted) throw cause;
    }
    return undefined;
  }

  async fetchImages(
    wanted: readonly WantedName[],
    { endpoint, bundle, concurrency }: FetchOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const failures: ViolaError[] = [];
    const unanswered = new Set(wanted.map(({ name }) => name));
    let last = "";
    const lines = wanted.map(({ platform, name }) => `${platform} ${name}`);
    await this.#whileAlive(signal, async (alive) => {
      const answers = this.#jobs(
        script(FETCH, [endpoint, bundleLabel(bundle)]),
        { lines, concurrency },
        alive,
      );
      for await (const { outcome, subject, text } of answers) {
        if (outcome === "said") last = text;
        if (outcome === "failed") failures.push(this.#imageFailure(subject, text));
        unanswered.delete(subject);
      }
    });
    // A node that shuts down may report a failure for every image. The error must then be about the
    // node.
    if (unanswered.size > 0 || (failures.length > 0 && !(await this.#answers(signal)))) {
      signal.throwIfAborted();
      const why = last || failures[0]?.message;
      const count = unanswered.size + failures.length;
      throw this.#gone(
        `stopped before it fetched ${countOf(count, "image")}${why === undefined ? "" : `: ${why}`}`,
      );
    }
    if (failures.length > 0) throw oneOrMany(`${this.name} could not fetch all images`, failures);
  }

  async importImages(
    wanted: readonly WantedName[],
    { archive, bundle }: ImportOptions,
    signal: AbortSignal,
  ): Promise<{ readonly missingContent?: string }> {
    const platform = wanted[0]?.platform;
    if (platform === undefined) return {};
    const { exitCode, said } = await this.#whileAlive(signal, (alive) =>
      this.#import(platform, archive, alive),
    );
    if (exitCode !== 0 && MISSING_CONTENT.test(said)) return { missingContent: said };
    if (KILLED.has(exitCode)) throw this.#gone("ended the import: it was restarted, or lacks memory");
    if (exitCode !== 0) throw this.#failure("the import failed", { exitCode, stdout: said, stderr: "" });
    const names = wanted.map(({ name }) => name);
    await this.#must("images cannot be pinned", script(PIN_NAMES, [bundleLabel(bundle), ...names]), signal);
    return {};
  }

  /** Returns how ctr ended, with the last line of its output. */
  async #import(
    platform: string,
    archive: Chunks,
    signal: AbortSignal,
  ): Promise<{ readonly exitCode: number; readonly said: string }> {
    const session = await this.#shell.open(script(IMPORT, [platform]), signal);
    const abort = (): void => {
      session.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      // An error of the archive is reported instead of the output of ctr, because it is the cause.
      let unreadable: { readonly cause: unknown } | undefined;
      const feeding = feed(archive, session.stdin).catch((cause: unknown) => {
        unreadable = { cause };
        session.destroy();
      });
      const lines: string[] = [];
      for await (const line of linesOf(session)) lines.push(line);
      session.destroy();
      await feeding;
      signal.throwIfAborted();
      if (unreadable !== undefined) throw unreadable.cause;
      return { exitCode: await session.exitCode(signal), said: lastLine(lines.join("\n")) };
    } finally {
      signal.removeEventListener("abort", abort);
      session.destroy();
    }
  }

  /**
   * Runs `work` with a signal that also fires when the node stops responding. `work` must detect
   * what the node did not complete.
   */
  async #whileAlive<T>(signal: AbortSignal, work: (alive: AbortSignal) => Promise<T>): Promise<T> {
    const gone = new AbortController();
    const done = new AbortController();
    const until = AbortSignal.any([signal, done.signal]);
    const watching = this.#watch(gone, until).catch((cause: unknown) => {
      if (!until.aborted) throw cause;
    });
    try {
      return await work(AbortSignal.any([signal, gone.signal]));
    } catch (cause) {
      signal.throwIfAborted();
      if (gone.signal.aborted) throw this.#gone("stopped responding before all images were loaded");
      throw cause;
    } finally {
      done.abort();
      await watching;
    }
  }

  async #watch(gone: AbortController, until: AbortSignal): Promise<void> {
    for (let missed = 0; missed < MISSED_BEATS;) {
      await delay(BEAT_MS, undefined, { signal: until });
      missed = (await this.#answers(until)) ? 0 : missed + 1;
    }
    gone.abort();
  }

  async #answers(signal: AbortSignal): Promise<boolean> {
    const enough = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    return this.#exec(["ctr", "version"], enough).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    );
  }

  async unpackImages(digests: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#must("images cannot be unpacked", script(UNPACK, digests), signal);
  }

  async listImages(signal: AbortSignal): Promise<readonly NodeImage[]> {
    return parseImages(await this.#must("images cannot be listed", LIST_IMAGES, signal));
  }

  async usedImages(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const listed = await this.#must("containers cannot be listed", LIST_CONTAINERS, signal);
    return new Set(listed.split("\n").flatMap((line) => line.split(/\s+/)[1] ?? []));
  }

  async addBundleLabel(names: readonly string[], bundle: string, signal: AbortSignal): Promise<void> {
    await this.#label(names, bundleLabel(bundle), signal);
  }

  async removeBundleLabel(names: readonly string[], bundle: string, signal: AbortSignal): Promise<void> {
    await this.#label(names, noBundleLabel(bundle), signal);
  }

  async #label(names: readonly string[], label: string, signal: AbortSignal): Promise<void> {
    if (names.length === 0) return;
    await this.#must("images cannot be labelled", script(LABEL_NAMES, [label, ...names]), signal);
  }

  async removeImages(names: readonly string[], signal: AbortSignal): Promise<void> {
    if (names.length > 0) await this.#must("images cannot be removed", script(REMOVE, names), signal);
  }

  async mirrorAll(endpoint: string, signal: AbortSignal): Promise<NodeMirror> {
    const setUp = await this.#setUp(script(MIRROR, [endpoint]), signal);
    if (setUp.failure === undefined) return { lift: () => setUp.end(LIFT_MS) };
    const known = MIRROR_FAILURES.get(setUp.failure);
    throw new ViolaError("NODE_LOAD_FAILED", `${this.name}: ${known?.message ?? setUp.failure}`, {
      subject: this.name,
      ...(known !== undefined && { hint: known.hint }),
    });
  }

  /**
   * Starts a script that sets something up, writes `done …` or `failed … WHY`, and restores the
   * previous state at the end of its input. `end` ends the input and waits for the script, at most
   * `milliseconds`.
   */
  async #setUp(
    argv: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly failure?: string; readonly end: (milliseconds: number) => Promise<void> }> {
    const session = await this.#shell.open(argv, signal);
    const abort = (): void => {
      session.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    const said = linesOf(session);
    const end = async (milliseconds: number): Promise<void> => {
      const hanging = setTimeout(abort, milliseconds);
      session.stdin.end();
      while (!(await said.next()).done);
      clearTimeout(hanging);
      session.destroy();
    };
    let last = "";
    for (let line = await said.next(); !line.done; line = await said.next()) {
      last = line.value;
      if (/^(?:done|failed) /.test(last)) break;
    }
    signal.removeEventListener("abort", abort);
    if (last.startsWith("done ")) return { end };
    await end(RELEASE_MS);
    signal.throwIfAborted();
    return { failure: last.replace(/^failed \S+ /, ""), end };
  }

  async #must(what: string, argv: readonly string[], signal: AbortSignal): Promise<string> {
    const result = await this.#exec(argv, signal);
    if (result.exitCode !== 0) throw this.#failure(what, result);
    return result.stdout;
  }

  #jobs(argv: readonly string[], options: JobOptions, signal: AbortSignal): AsyncIterable<JobAnswer> {
    return runJobs(this.#shell, argv, options, signal);
  }

  async #exec(argv: readonly string[], signal: AbortSignal): Promise<ExecResult> {
    return await this.#shell.exec(argv, signal);
  }

  #failure(what: string, { exitCode, stdout, stderr }: ExecResult): ViolaError {
    const said = lastLine(stderr) || lastLine(stdout);
    return new ViolaError("NODE_LOAD_FAILED", `${this.name}: ${what} (exit ${exitCode}): ${said}`, {
      subject: this.name,
      ...this.#hintFor(said),
    });
  }

  #imageFailure(name: string, why: string): ViolaError {
    return new ViolaError("NODE_LOAD_FAILED", `${this.name}: ${name} could not be fetched: ${why}`, {
      subject: name,
      ...this.#hintFor(why),
    });
  }

  #gone(what: string): ViolaError {
    return new ViolaError("NODE_LOAD_FAILED", `${this.name} ${what}`, {
      subject: this.name,
      hint: `${this.#hint}. Then load again: content that is already on the node is not sent again.`,
    });
  }

  #hintFor(message: string): { hint?: string } {
    if (message.includes("no space left on device")) {
      return { hint: "Free disk space where the node keeps /var, then load again." };
    }
    return NO_CONTAINERD.test(message) ? { hint: this.#hint } : {};
  }
}

/** Exit codes of a shell or program that SIGKILL or SIGTERM has ended. */
const KILLED: ReadonlySet<number> = new Set([128 + 9, 128 + 15]);

/** What ctr says when neither the archive nor the node has some content. */
const MISSING_CONTENT = /\bnot found$/;

/** Error messages of gRPC for a containerd that is no longer running. */
const NO_CONTAINERD = /connection refused|connection error|error reading from server|transport is closing/;

/** The reasons why a mirror cannot be set on a node. */
const MIRROR_FAILURES: ReadonlyMap<string, { readonly message: string; readonly hint: string }> = new Map([
  [
    "no-config-path",
    {
      message: "its containerd has no directory for registry host configuration (config_path is empty)",
      hint: 'Create the cluster with this in its Kind configuration: containerdConfigPatches: [\'[plugins."io.containerd.grpc.v1.cri".registry]\\nconfig_path = "/etc/containerd/certs.d"\'].',
    },
  ],
  [
    "in-use",
    {
      message: "another rehearsal is using this node",
      hint: "Wait until it has ended, then try again.",
    },
  ],
]);

/** Returns the arguments for `sh` to run the script with the values as positional parameters. */
function script(text: string, values: readonly string[]): readonly string[] {
  return ["sh", "-c", text, "sh", ...values];
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/**
 * Writes the chunks and ends the stream. Returns when the stream is closed before: when ctr ends early,
 * its output states the reason. `pipeline` does not end when the node of the stream is restarted.
 */
async function feed(chunks: Chunks, stream: Writable): Promise<void> {
  let proceed = (): void => undefined;
  const wake = (): void => {
    proceed();
  };
  stream.on("drain", wake).on("close", wake).on("error", wake);
  try {
    for await (const chunk of chunks) {
      if (!stream.writable) return;
      if (stream.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        proceed = resolve;
        if (!stream.writableNeedDrain || stream.closed) resolve();
      });
    }
    if (stream.writable) stream.end();
  } finally {
    stream.off("drain", wake).off("close", wake);
  }
}
