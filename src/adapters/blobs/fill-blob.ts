// Brings one blob into its place in the bundle: from a file that has it, or from the registry and its mirrors.
import { setTimeout as sleep } from "node:timers/promises";
import type { PlannedBlob } from "../../core/bundle/archive-plan.js";
import type { BlobSource } from "../../core/images/resolved-image.js";
import { ViolaError } from "../../errors.js";
import type { FetchJob, Outcome } from "./blob-messages.js";
import type { BlobWorkers } from "./blob-workers.js";
import type { BlobRequest, RegistryClient } from "../registry/client.js";
import { codeOfStatus, describeAnswer, refusalError, type RegistryRejection } from "../registry/rejection.js";
import { redactUrl } from "../http/client.js";
import { retryDelayMs } from "../http/retry.js";

/** What filling needs. */
export interface FillContext extends BlobContext {
  readonly workers: BlobWorkers;
}

/** What one blob needs. */
interface BlobContext {
  readonly workers: Pick<BlobWorkers, "run">;
  readonly registry: RegistryClient;
  readonly signal: AbortSignal;
}

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
  context: BlobContext,
): Promise<"copied" | "fetched"> {
  for (const { file, offset } of [...files, ...blob.sources.filter((source) => source.kind === "file")]) {
    const { digest, size } = blob;
    const outcome = await context.workers.run({
      kind: "copy",
      file,
      from: offset,
      offset: blob.offset,
      digest,
      size,
    });
    if (outcome.kind === "done") return "copied";
  }
  const refusals: RegistryRejection[] = [];
  const subject = `${blob.image} ${blob.digest}`;
  for (const source of blob.sources) {
    if (source.kind !== "registry") continue;
    let isUnreachable = false;
    for (const request of context.registry.blobRequests(source, blob.digest)) {
      if (request.fallback && !isUnreachable) continue;
      const outcome = await fetchFrom(request, blob, subject, context);
      if (outcome.kind === "done") return "fetched";
      isUnreachable = outcome.kind === "broken";
      refusals.push(toRefusal(outcome, request));
    }
  }
  throw refusalError(subject, refusals);
}

/** Fetches from one place: tokens are renewed, passing failures tried again after the time that the place asks for. */
async function fetchFrom(
  request: BlobRequest,
  blob: PlannedBlob,
  subject: string,
  context: BlobContext,
): Promise<Exclude<Outcome, { kind: "unusable" }>> {
  let current = request;
  let authorizations = 0;
  let wrong = 0;
  for (let tries = 1; ;) {
    context.signal.throwIfAborted();
    const outcome = await context.workers.run(fetchJob(current, blob));
    if (outcome.kind === "unusable") throw unusable(outcome);
    if (outcome.kind === "done") return outcome;
    if (outcome.kind === "wrong") {
      if (++wrong === WRONG_LIMIT) return outcome;
      continue;
    }
    const isOurs =
      outcome.kind === "answered" &&
      outcome.status === 401 &&
      new URL(outcome.url).origin === new URL(request.url).origin;
    if (isOurs && authorizations++ < AUTHORIZATION_TRIES) {
      const next = await context.registry.authorize(
        current,
        outcome.headers["www-authenticate"],
        subject,
        context.signal,
      );
      if (next === undefined) return outcome;
      current = next;
      continue;
    }
    const delay = retryDelayMs(
      outcome.kind === "answered"
        ? { status: outcome.status, retryAfter: outcome.headers["retry-after"] }
        : { errorCode: outcome.code },
      tries++,
      Date.now(),
    );
    if (delay === undefined) return outcome;
    await sleep(delay, undefined, { signal: context.signal });
  }
}

function fetchJob(
  { url, headers, tls, proxy }: BlobRequest,
  { digest, size, offset }: PlannedBlob,
): FetchJob {
  return { kind: "fetch", url, headers, tls, digest, size, offset, ...(proxy !== undefined && { proxy }) };
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
        answer: describeAnswer(outcome.status),
        status: outcome.status,
      };
    }
    case "broken":
      return {
        code: "REGISTRY_UNAVAILABLE",
        place: redactUrl(new URL(outcome.url)),
        answer: outcome.message,
      };
    case "wrong":
      return {
        code: "DIGEST_MISMATCH",
        place: redactUrl(new URL(request.url)),
        answer: `its bytes are ${outcome.actual}`,
      };
  }
}
