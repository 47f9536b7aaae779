// The registry client for writing: blobs straight from the bundle file, mounted where another repository has them, and manifests.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { InventoryBlob } from "../../core/bundle/inventory.js";
import type { ManifestOutcome, PushRegistry } from "../../core/load/push-registry.js";
import type { ManifestBytes } from "../../core/load/registry-layout.js";
import { MANIFEST_MEDIA_TYPES } from "../../core/oci/descriptor.js";
import { digestOf, isSha256 } from "../../core/oci/digest.js";
import { ViolaError } from "../../errors.js";
import { readSegments } from "../files/read-segments.js";
import type { Resource } from "./auth.js";
import type { RegistryClientOptions } from "./client.js";
import { ConnectionFailure } from "../http/client.js";
import { openPushDoor, type Ask, type PushConnection } from "./push-door.js";
import { describeAnswer } from "../http/describe-answer.js";
import { codeOfStatus } from "./rejection.js";
import { retryDelayMs, type TryOutcome } from "../http/retry.js";

/** A registry may move a blob of gigabytes to its place before it answers. */
const STORE_TIMEOUT_MS = 15 * 60_000;
const CANCEL_TIMEOUT_MS = 2_000;

/**
 * Enters the registry. `file` is the bundle that blobs come from. Close the client when done.
 * Throws `REGISTRY_UNAVAILABLE` or `REGISTRY_AUTH`.
 */
export async function connectPushRegistry(
  host: string,
  file: string,
  options: RegistryClientOptions,
  signal: AbortSignal,
): Promise<PushClient> {
  return new PushClient(await openPushDoor(host, options, signal), file, options.firstDelayMs);
}

/** One registry, entered. */
export class PushClient implements PushRegistry {
  readonly origin: string;
  readonly #door: PushConnection;
  readonly #file: string;
  readonly #firstDelayMs: number | undefined;

  constructor(door: PushConnection, file: string, firstDelayMs: number | undefined) {
    this.origin = door.origin;
    this.#door = door;
    this.#file = file;
    this.#firstDelayMs = firstDelayMs;
  }

  async hasBlob(repository: string, digest: string, signal: AbortSignal): Promise<boolean> {
    const resource = this.#door.resource(repository);
    const url = this.#door.url(`${repository}/blobs/${digest}`);
    const answer = await this.#door.send(resource, { method: "HEAD", url, headers: {} }, signal);
    if (answer.status === 200) return true;
    if (answer.status === 404) return false;
    throw await this.#door.refusal(resource, answer, "cannot be asked what it has");
  }

  async mountBlob(repository: string, digest: string, from: string, signal: AbortSignal): Promise<boolean> {
    const resource = this.#door.resource(repository, `repository:${from}:pull`);
    const url = this.#door.url(`${repository}/blobs/uploads/`);
    url.searchParams.set("mount", digest);
    url.searchParams.set("from", from);
    const answer = await this.#door
      .send(resource, { method: "POST", url, headers: {} }, signal)
      .catch((cause: unknown) => {
        // Who may push here need not be allowed to read there.
        if (cause instanceof ViolaError && cause.code === "REGISTRY_AUTH") return undefined;
        throw cause;
      });
    if (answer?.status === 201) return true;
    // The registry began an upload instead.
    if (answer?.status === 202) await this.#cancel(resource, this.#door.locationOf(answer));
    return false;
  }

  async uploadBlob(
    repository: string,
    blob: InventoryBlob,
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const resource = this.#door.resource(repository);
    for (let tries = 1; ; tries++) {
      const { outcome, error } = await this.#upload(resource, blob, onSent, signal);
      if (error === undefined) return;
      const delay = retryDelayMs(outcome, tries, Date.now(), this.#firstDelayMs);
      if (delay === undefined) throw error;
      await sleep(delay, undefined, { signal });
      // It may have arrived although the answer did not.
      if (await this.hasBlob(repository, blob.digest, signal)) return;
    }
  }

  async findManifest(
    repository: string,
    reference: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const resource = this.#door.resource(repository);
    const url = this.#door.url(`${repository}/manifests/${reference}`);
    const headers = { accept: MANIFEST_MEDIA_TYPES.join(", ") };
    const answer = await this.#door.send(resource, { method: "HEAD", url, headers }, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) {
      throw await this.#door.refusal(resource, answer, "cannot be asked what it has");
    }
    const stated = answer.headers["docker-content-digest"];
    if (stated !== undefined && isSha256(stated)) return stated;
    const whole = await this.#door.send(resource, { method: "GET", url, headers }, signal);
    return whole.status === 200 && !whole.tooLong ? digestOf(whole.body) : undefined;
  }

  async putManifest(
    repository: string,
    reference: string,
    { mediaType, bytes }: ManifestBytes,
    signal: AbortSignal,
  ): Promise<ManifestOutcome> {
    const resource = this.#door.resource(repository);
    const url = this.#door.url(`${repository}/manifests/${reference}`);
    const headers = { "content-type": mediaType };
    const answer = await this.#door.send(resource, { method: "PUT", url, headers, body: bytes }, signal);
    if (answer.status >= 200 && answer.status < 300) return { kind: "stored" };
    const code = codeOfStatus(answer.status);
    if (code === "REGISTRY_AUTH" || code === "REGISTRY_UNAVAILABLE") {
      throw await this.#door.refusal(resource, answer, `does not take the manifest ${reference}`);
    }
    return { kind: "refused", answer: describeAnswer(answer.status, answer.body) };
  }

  /** Closes idle connections. */
  async close(): Promise<void> {
    await this.#door.close();
  }

  /** Sends the blob once, as a whole: `error` is why it did not arrive, `outcome` says whether another try is worth it. */
  async #upload(
    resource: Resource,
    { digest, offset, size }: InventoryBlob,
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: TryOutcome; readonly error?: ViolaError }> {
    const begin: Ask = {
      method: "POST",
      url: this.#door.url(`${resource.repository}/blobs/uploads/`),
      headers: {},
    };
    const begun = await this.#door.send(resource, begin, signal);
    const what = `does not take the blob ${digest}`;
    if (begun.status !== 202) throw await this.#door.refusal(resource, begun, what);
    const location = this.#door.locationOf(begun);
    const url = new URL(
      `${location.href}${location.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`,
    );
    const headers = { "content-type": "application/octet-stream", "content-length": String(size) };
    let sent = 0;
    const open = (): Readable => {
      onSent(-sent);
      sent = 0;
      return Readable.from(
        counted(readSegments(this.#file, [{ offset, size }]), (bytes) => {
          sent += bytes;
          onSent(bytes);
        }),
        { objectMode: false },
      );
    };
    try {
      const ask: Ask = { method: "PUT", url, headers, open, timeoutMs: STORE_TIMEOUT_MS };
      const answer = await this.#door.send(resource, ask, signal);
      if (answer.status === 201) return { outcome: {} };
      onSent(-sent);
      // An upload that the registry has forgotten, as one of several behind one address does, begins anew.
      const status = answer.status === 404 ? 503 : answer.status;
      const error = await this.#door.refusal(resource, answer, what);
      return { outcome: { status, retryAfter: answer.headers["retry-after"] }, error };
    } catch (error) {
      onSent(-sent);
      await this.#cancel(resource, location);
      signal.throwIfAborted();
      if (!(error instanceof ViolaError) || !(error.cause instanceof ConnectionFailure)) throw error;
      return { outcome: { errorCode: error.cause.code }, error };
    }
  }

  /**
   * Tells the registry that an upload will not go on. This may fail: docker-registry keeps one of which bytes have come, and forgets it by
   * itself after a week (storage.maintenance.uploadpurging). Nothing that is pulled is touched by either.
   */
  async #cancel(resource: Resource, location: URL): Promise<void> {
    const ask: Ask = { method: "DELETE", url: location, headers: {} };
    await this.#door.send(resource, ask, AbortSignal.timeout(CANCEL_TIMEOUT_MS)).catch(() => undefined);
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    onChunk(chunk.length);
  }
}
