// Brings one blob into its place in the bundle: from a file that has it, or from the registry and its mirrors.
import { setTimeout as sleep } from "node:timers/promises";
import type { PlannedBlob } from "../../core/bundle/archive-plan.js";
import type { BlobSource } from "../../core/images/resolved-image.js";
import { ViolaError } from "../../errors.js";
import type { FetchJob, Outcome } from "./blob-messages.js";
import type { BlobWorkers } from "./blob-workers.js";
import type { BlobRequest, RegistryClient } from "../registry/client.js";
import { describeAnswer } from "../http/describe-answer.js";
import { codeOfStatus, refusalError, type RegistryRejection } from "../registry/rejection.js";
import { redactUrl } from "../http/client.js";
import { retryDelayMs, type TryOutcome } from "../http/retry.js";

/** What filling needs. */
export interface FillContext extends FetchContext {
  readonly workers: BlobWorkers;
}

/** What fetching needs. */
export interface FetchContext {
  readonly registry: RegistryClient;
  readonly signal: AbortSignal;
}

/** What is known of a blob before it is fetched. */
export type WantedBlob = Pick<PlannedBlob, "digest" | "size" | "offset" | "image" | "sources">;

/** Runs one fetch; see `Outcome`. */
type RunFetch = (job: FetchJob) => Promise<Outcome>;

/** How many tokens one place may ask for before it counts as a refusal. */
const AUTHORIZATION_TRIES = 2;
/** A blob whose bytes are wrong is asked for once more: a proxy or a cable may have failed, a registry rarely does. */
const WRONG_LIMIT = 2;

type FileSource = Extract<BlobSource, { kind: "file" }>;

/**
 * Tries the files first, then every registry with its mirrors, and returns how the blob came. A file whose bytes are wrong is passed over.
 * Throws the error of all places together, naming image and blob, or `FILE_UNUSABLE` when the bundle cannot be written.
 */
export async function fillBlob(
  blob: PlannedBlob,
  files: readonly FileSource[],
  context: FillContext,
): Promise<"copied" | "fetched"> {
  const { workers, signal } = context;
  const { digest, size, offset } = blob;
  for (const source of [...files, ...blob.sources.filter((one) => one.kind === "file")]) {
    const from = { file: source.file, from: source.offset };
    const outcome = await workers.run({ kind: "copy", ...from, offset, digest, size }, signal);
    if (outcome.kind === "done") return "copied";
  }
  await fetchFromRegistries(blob, (job) => workers.run(job, signal), context);
  return "fetched";
}

/**
 * Fetches a blob from the first registry or mirror that gives it. Throws the error of all places together, naming image and blob, and
 * `FILE_UNUSABLE` when what it is written to fails.
 */
export async function fetchFromRegistries(
  blob: WantedBlob,
  run: RunFetch,
  context: FetchContext,
): Promise<void> {
  const refusals: RegistryRejection[] = [];
  const subject = `${blob.image} ${blob.digest}`;
  for (const source of blob.sources) {
    if (source.kind !== "registry") continue;
    let isUnreachable = false;
    for (const request of context.registry.blobRequests(source, blob.digest)) {
      if (request.fallback && !isUnreachable) continue;
      const outcome = await fetchFrom(request, blob, run, context);
      if (outcome.kind === "done") return;
      isUnreachable = outcome.kind === "broken";
      refusals.push(toRefusal(outcome, request));
    }
  }
  throw refusalError(subject, refusals);
}

/** Fetches from one place: tokens are renewed, passing failures tried again after the time that the place asks for. */
async function fetchFrom(
  request: BlobRequest,
  blob: WantedBlob,
  run: RunFetch,
  { registry, signal }: FetchContext,
): Promise<Exclude<Outcome, { kind: "unusable" }>> {
  const { digest, size, offset } = blob;
  let current = request;
  let authorizations = 0;
  let wrong = 0;
  for (let tries = 1; ;) {
    signal.throwIfAborted();
    const { url, headers } = current;
    const outcome = await run({ kind: "fetch", url, headers, digest, size, offset });
    if (outcome.kind === "unusable") throw unusable(outcome);
    if (outcome.kind === "done" || outcome.kind === "unreadable") return outcome;
    if (outcome.kind === "wrong") {
      if (++wrong === WRONG_LIMIT) return outcome;
      continue;
    }
    const isOurs =
      outcome.kind === "answered" &&
      outcome.status === 401 &&
      new URL(outcome.url).origin === new URL(request.url).origin;
    if (isOurs && authorizations++ < AUTHORIZATION_TRIES) {
      const challenge = outcome.headers["www-authenticate"];
      const next = await registry.authorize(current, challenge, `${blob.image} ${digest}`, signal);
      if (next === undefined) return outcome;
      current = next;
      continue;
    }
    const delay = retryDelayMs(toTry(outcome, url), tries++, Date.now());
    if (delay === undefined) return outcome;
    await sleep(delay, undefined, { signal });
  }
}

function toTry(outcome: Extract<Outcome, { kind: "answered" | "broken" }>, asked: string): TryOutcome {
  if (outcome.kind === "broken") return { errorCode: outcome.code };
  const { status, headers, url } = outcome;
  return { status, retryAfter: headers["retry-after"], isRedirected: url !== asked };
}

function unusable({ file, code, message }: Outcome & { kind: "unusable" }): ViolaError {
  return new ViolaError("FILE_UNUSABLE", `${file} cannot be written (${code})`, {
    subject: file,
    cause: new Error(message),
    ...(code === "ENOSPC" && {
      hint: "The disk is full. Free some space and run the same command again: it goes on where it stopped.",
    }),
  });
}

function toRefusal(
  outcome: Exclude<Outcome, { kind: "done" | "unusable" }>,
  request: BlobRequest,
): RegistryRejection {
  switch (outcome.kind) {
    case "answered": {
      const place = redactUrl(new URL(outcome.url));
      return {
        code: codeOfStatus(outcome.status),
        place,
        answer: describeAnswer(outcome.status, outcome.body),
        status: outcome.status,
      };
    }
    case "broken":
      return {
        code: "REGISTRY_UNAVAILABLE",
        place: redactUrl(new URL(outcome.url)),
        answer: outcome.message,
      };
    case "unreadable":
      return {
        code: "REGISTRY_ANSWER_INVALID",
        place: redactUrl(new URL(request.url)),
        answer: "a body of unknown length",
      };
    case "wrong":
      return {
        code: "DIGEST_MISMATCH",
        place: redactUrl(new URL(request.url)),
        answer: `its bytes are ${outcome.actual}`,
      };
  }
}
