// Writes one blob of the bundle, from a file that contains it, or from a registry or its mirrors.
import { setTimeout as sleep } from "node:timers/promises";
import type { PlannedBlob } from "../../core/bundle/archive-plan.js";
import type { BlobSource } from "../../core/images/resolved-image.js";
import { ViolaError } from "../../errors.js";
import type { FetchRequest, Outcome } from "./blob-messages.js";
import type { BlobWorkers } from "./blob-workers.js";
import type { Resource } from "../registry/auth.js";
import type { PlaceResult, PullPlace } from "../registry/place.js";
import type { Puller } from "../registry/pull.js";
import { refusalError } from "../registry/refusal-error.js";
import type { RegistryRejection } from "../registry/rejection.js";
import { redactUrl } from "../../core/redact.js";
import { connectionError } from "../http/client.js";
import { retryDelayMs, type TryOutcome } from "../http/retry.js";

/** The ports of `fillBlob`. */
export interface FillPorts extends FetchPorts {
  readonly workers: BlobWorkers;
  /** The file that blobs are written to. */
  readonly output: string;
}

/** The ports of `fetchFromRegistries`. */
export interface FetchPorts {
  readonly pull: Puller;
  readonly signal: AbortSignal;
}

/** A blob to fetch. */
export type WantedBlob = Pick<PlannedBlob, "digest" | "size" | "offset" | "image" | "sources">;

/** Runs one fetch; see `Outcome`. */
type RunFetch = (job: FetchRequest) => Promise<Outcome>;

/** A blob with a wrong digest is fetched once more, because the error may be in the transmission. */
const WRONG_LIMIT = 2;

type FileSource = Extract<BlobSource, { kind: "file" }>;

/**
 * Tries the files first, then each registry with its mirrors. Skips files with wrong content.
 * Returns whether the blob was copied or fetched.
 * Throws the error of all places (see `refusalError`), which names the image and the blob, or
 * `FILE_UNUSABLE` when the bundle cannot be written.
 */
export async function fillBlob(
  blob: PlannedBlob,
  files: readonly FileSource[],
  ports: FillPorts,
): Promise<"copied" | "fetched"> {
  const { workers, output, signal } = ports;
  const { digest, size, offset } = blob;
  for (const source of [...files, ...blob.sources.filter((one) => one.kind === "file")]) {
    const from = { file: source.file, from: source.offset };
    const outcome = await workers.run({ kind: "copy", ...from, output, offset, digest, size }, signal);
    if (outcome.kind === "done") return "copied";
  }
  await fetchFromRegistries(blob, (job) => workers.run({ ...job, output }, signal), ports);
  return "fetched";
}

/**
 * Fetches a blob from the first registry or mirror that returns it. Throws the error of all places
 * (see `refusalError`), which names the image and the blob, or `FILE_UNUSABLE` when the blob cannot
 * be written.
 */
export async function fetchFromRegistries(blob: WantedBlob, run: RunFetch, ports: FetchPorts): Promise<void> {
  const refusals: RegistryRejection[] = [];
  for (const source of blob.sources) {
    if (source.kind !== "registry") continue;
    const result = await ports.pull.fromPlaces(source, `blobs/${blob.digest}`, (place) =>
      fetchFrom(place, blob, run, ports),
    );
    if ("value" in result) return;
    refusals.push(...result.refusals);
  }
  throw refusalError(`${blob.image} ${blob.digest}`, refusals);
}

/** Fetches from one place. Renews tokens, and retries temporary failures after Retry-After. */
async function fetchFrom(
  { url, resource }: PullPlace,
  { digest, size, offset }: WantedBlob,
  run: RunFetch,
  { pull: { session }, signal }: FetchPorts,
): Promise<PlaceResult<"done">> {
  let wrong = 0;
  for (let tries = 1; ;) {
    signal.throwIfAborted();
    const outcome = await session.authorized(
      resource,
      (authorization) => {
        const headers = authorization === undefined ? {} : { authorization };
        return run({ kind: "fetch", url: url.href, headers, digest, size, offset });
      },
      findChallenge,
      signal,
    );
    if (outcome.kind === "unusable") throw unusable(outcome);
    if (outcome.kind === "done") return { value: "done" };
    if (outcome.kind === "unreadable")
      throw new TypeError("a fetch job was sent to a worker without a client");
    if (outcome.kind === "wrong") {
      if (++wrong < WRONG_LIMIT) continue;
      const answer = `its content is ${outcome.actual}`;
      return { refusal: { code: "DIGEST_MISMATCH", place: redactUrl(url), answer } };
    }
    // A job has already been repeated after a timeout.
    const isTimedOut = outcome.kind === "broken" && outcome.code === "ETIMEDOUT";
    const delay = isTimedOut ? undefined : retryDelayMs(toTry(outcome, url), tries++, Date.now());
    if (delay === undefined) {
      if (outcome.kind === "broken") throw connectionError(new URL(outcome.url), toError(outcome));
      const answer = { ...outcome, url: new URL(outcome.url) };
      return { refusal: await session.describeRefusal(resource, answer) };
    }
    await sleep(delay, undefined, { signal });
  }
}

function toError({ message, code }: { readonly message: string; readonly code: string }): Error {
  return Object.assign(new Error(message), { code });
}

function findChallenge(outcome: Outcome, { base }: Resource): string | undefined {
  if (outcome.kind !== "answered" || outcome.status !== 401) return undefined;
  return new URL(outcome.url).origin === base.origin
    ? (outcome.headers["www-authenticate"] ?? "")
    : undefined;
}

function toTry(outcome: Extract<Outcome, { kind: "answered" | "broken" }>, requested: URL): TryOutcome {
  if (outcome.kind === "broken") return { errorCode: outcome.code };
  const { status, headers, url } = outcome;
  return { status, retryAfter: headers["retry-after"], isRedirected: url !== requested.href };
}

function unusable({ file, code, message }: Outcome & { kind: "unusable" }): ViolaError {
  return new ViolaError("FILE_UNUSABLE", `${file} cannot be written (${code})`, {
    subject: file,
    cause: new Error(message),
    ...(code === "ENOSPC" && {
      hint: "The disk is full. Free disk space, and run the same command again. It resumes where it stopped.",
    }),
  });
}
