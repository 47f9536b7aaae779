// Pushes into one registry: blobs straight from the bundle file, mounted where another repository has them, and manifests.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { InventoryBlob } from "../../core/bundle/inventory.js";
import { counted } from "../../core/load/counted.js";
import type { ManifestOutcome, PushRegistry } from "../../core/load/push-registry.js";
import type { ManifestBytes } from "../../core/load/registry-layout.js";
import { MANIFEST_MEDIA_TYPES } from "../../core/oci/descriptor.js";
import { digestOf, isSha256 } from "../../core/oci/digest.js";
import { ViolaError, type ErrorCode } from "../../errors.js";
import { readSegments } from "../files/read-segments.js";
import { ConnectionFailure, type HttpAnswer } from "../http/client.js";
import { describeAnswer } from "../http/describe-answer.js";
import { retryDelayMs, type TryOutcome } from "../http/retry.js";
import { AuthorizationFailure, type Resource } from "./auth.js";
import { urlOfApi, type Endpoint } from "./endpoints.js";
import { codeOfStatus, type RegistryRejection } from "./rejection.js";
import type { RegistryRequest, RegistrySession } from "./session.js";

/** A manifest, when it must be read to know its digest. */
export const PUSH_ANSWER_BYTES = 8 * 1024 * 1024;
/** A registry may move a blob of gigabytes to its place before it answers. */
const STORE_TIMEOUT_MS = 15 * 60_000;
const CANCEL_TIMEOUT_MS = 2_000;

/** What registries without HEAD answer to it. */
const NO_HEAD: ReadonlySet<number> = new Set([400, 405, 501]);
const UNREACHABLE =
  "Check that it runs and can be reached from here, or name ca or insecure in the settings, or a proxy in HTTPS_PROXY.";
/** By status. */
const HINTS: Readonly<Record<number, string>> = {
  404: "Some registries want the project or repository to be made first, and some say this of what one may not write to.",
  413: "A proxy before the registry limits what may be sent (nginx: client_max_body_size); raise it above the largest layer.",
};

/** What a Pusher works with besides the registry. */
export interface PusherOptions {
  /** The bundle that blobs come from. */
  readonly file: string;
  /** The first wait before another upload; for tests. */
  readonly firstDelayMs?: number;
}

/** One registry that has answered a ping. */
export class Pusher implements PushRegistry {
  readonly origin: string;
  readonly #session: RegistrySession;
  readonly #endpoint: Endpoint;
  readonly #options: PusherOptions;

  constructor(session: RegistrySession, endpoint: Endpoint, options: PusherOptions) {
    this.origin = endpoint.base.origin;
    this.#session = session;
    this.#endpoint = endpoint;
    this.#options = options;
  }

  async hasBlob(repository: string, digest: string, signal: AbortSignal): Promise<boolean> {
    const resource = this.#resource(repository);
    const url = this.#url(`${repository}/blobs/${digest}`);
    const answer = await this.#send(resource, { method: "HEAD", url, headers: {} }, signal);
    if (answer.status === 200) return true;
    if (answer.status === 404) return false;
    if (NO_HEAD.has(answer.status)) return this.#answersGet(resource, url, signal);
    throw await this.#refusal(resource, answer, "cannot be asked what it has");
  }

  async mountBlob(repository: string, digest: string, from: string, signal: AbortSignal): Promise<boolean> {
    const resource = this.#resource(repository, `repository:${from}:pull`);
    const url = this.#url(`${repository}/blobs/uploads/`);
    url.searchParams.set("mount", digest);
    url.searchParams.set("from", from);
    const ask: Ask = { method: "POST", url, headers: {} };
    const answer = await this.#send(resource, ask, signal).catch((cause: unknown) => {
      // Who may push here need not be allowed to read there.
      if (cause instanceof ViolaError && cause.code === "REGISTRY_AUTH") return undefined;
      throw cause;
    });
    if (answer?.status === 201) return true;
    // The registry began an upload instead.
    if (answer?.status === 202) await this.#cancel(resource, this.#locationOf(answer));
    return false;
  }

  async uploadBlob(
    repository: string,
    blob: InventoryBlob,
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const resource = this.#resource(repository);
    for (let tries = 1; ; tries++) {
      const { outcome, error } = await this.#upload(resource, blob, onSent, signal);
      if (error === undefined) return;
      const delay = retryDelayMs(outcome, tries, Date.now(), this.#options.firstDelayMs);
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
    const resource = this.#resource(repository);
    const url = this.#url(`${repository}/manifests/${reference}`);
    const headers = { accept: MANIFEST_MEDIA_TYPES.join(", ") };
    const answer = await this.#send(resource, { method: "HEAD", url, headers }, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200 && !NO_HEAD.has(answer.status)) {
      throw await this.#refusal(resource, answer, "cannot be asked what it has");
    }
    const stated = answer.status === 200 ? answer.headers["docker-content-digest"] : undefined;
    if (stated !== undefined && isSha256(stated)) return stated;
    const whole = await this.#send(resource, { method: "GET", url, headers }, signal);
    return whole.status === 200 && !whole.tooLong ? digestOf(whole.body) : undefined;
  }

  async putManifest(
    repository: string,
    reference: string,
    { mediaType, bytes }: ManifestBytes,
    signal: AbortSignal,
  ): Promise<ManifestOutcome> {
    const resource = this.#resource(repository);
    const url = this.#url(`${repository}/manifests/${reference}`);
    const headers = { "content-type": mediaType };
    const answer = await this.#send(resource, { method: "PUT", url, headers, body: () => bytes }, signal);
    if (answer.status >= 200 && answer.status < 300) return { kind: "stored" };
    const code = codeOfStatus(answer.status);
    if (code === "REGISTRY_AUTH" || code === "REGISTRY_UNAVAILABLE") {
      throw await this.#refusal(resource, answer, `does not take the manifest ${reference}`);
    }
    return { kind: "refused", answer: describeAnswer(answer.status, answer.body) };
  }

  /** Asks for the first byte of a blob; whatever else a registry without HEAD answers, sending the blob again does no harm. */
  async #answersGet(resource: Resource, url: URL, signal: AbortSignal): Promise<boolean> {
    const ask = { method: "GET", url, headers: { range: "bytes=0-0" }, limitBytes: 1 } as const;
    const { status } = await this.#send(resource, ask, signal);
    return status === 200 || status === 206;
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
      url: this.#url(`${resource.repository}/blobs/uploads/`),
      headers: {},
    };
    const begun = await this.#send(resource, begin, signal);
    const what = `does not take the blob ${digest}`;
    if (begun.status !== 202) throw await this.#refusal(resource, begun, what);
    const location = this.#locationOf(begun);
    const url = new URL(
      `${location.href}${location.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`,
    );
    const headers = { "content-type": "application/octet-stream", "content-length": String(size) };
    let sent = 0;
    const open = (): Readable => {
      onSent(-sent);
      sent = 0;
      return Readable.from(
        counted(readSegments(this.#options.file, [{ offset, size }]), (bytes) => {
          sent += bytes;
          onSent(bytes);
        }),
        { objectMode: false },
      );
    };
    try {
      const ask: Ask = { method: "PUT", url, headers, body: open, timeoutMs: STORE_TIMEOUT_MS };
      const answer = await this.#send(resource, ask, signal);
      if (answer.status === 201) return { outcome: {} };
      onSent(-sent);
      // An upload that the registry has forgotten, as one of several behind one address does, begins anew.
      const status = answer.status === 404 ? 503 : answer.status;
      const error = await this.#refusal(resource, answer, what);
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
    await this.#send(resource, ask, AbortSignal.timeout(CANCEL_TIMEOUT_MS)).catch(() => undefined);
  }

  /** Sends a request and returns any answer. Throws `REGISTRY_UNAVAILABLE` when there is none, `REGISTRY_AUTH` when a token server refuses. */
  async #send(resource: Resource, ask: Ask, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#session.send(resource, { limitBytes: PUSH_ANSWER_BYTES, ...ask }, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const failure = await this.#session.describeFailure(resource, ask.url, cause);
      const what = cause instanceof AuthorizationFailure ? "denies" : "cannot be reached";
      throw pushError(this.#endpoint.base, resource.repository, what, failure);
    }
  }

  /** Returns the error for an answer that is a refusal of `what`. */
  async #refusal(resource: Resource, answer: HttpAnswer, what: string): Promise<ViolaError> {
    const refusal = await this.#session.describeRefusal(resource, answer);
    return pushError(this.#endpoint.base, resource.repository, what, refusal);
  }

  /** What is to be authorized for writing to a repository; `more` is a further scope, such as reading another. */
  #resource(repository: string, more?: string): Resource {
    const { base, credentialHost, insecure } = this.#endpoint;
    const scope = [`repository:${repository}:pull,push`, ...(more === undefined ? [] : [more])].join(" ");
    return { base, repository, credentialHost, insecure, scope };
  }

  #url(path: string): URL {
    return urlOfApi(this.#endpoint.base, path);
  }

  /** Where an upload goes on. Behind a proxy that ends TLS, registries take themselves to be plain: their word is not taken for that. */
  #locationOf(answer: HttpAnswer): URL {
    const { base } = this.#endpoint;
    const url = new URL(answer.headers["location"] ?? "", answer.url);
    return url.hostname === base.hostname ? new URL(url.pathname + url.search, base) : url;
  }
}

/** A request whose answer is small. */
type Ask = Omit<RegistryRequest, "limitBytes"> & { readonly limitBytes?: number };

/** Returns the error for what a registry did to a repository; with the repository "" it is about the registry itself. */
export function pushError(
  base: URL,
  repository: string,
  what: string,
  { code, answer, status, credentialHost = base.host, credentialOrigin, cause }: RegistryRejection,
): ViolaError {
  const name = repository === "" ? base.host : `${base.host}/${repository}`;
  const login =
    credentialOrigin === undefined
      ? `Log in with docker login or podman login: no credentials for ${credentialHost} were found.`
      : `Log in as somebody who may push there: credentials for ${credentialHost} from ${credentialOrigin} were sent.`;
  const hints: Partial<Readonly<Record<ErrorCode, string>>> = {
    REGISTRY_UNAVAILABLE: UNREACHABLE,
    REGISTRY_AUTH: login,
  };
  const hint = hints[code] ?? HINTS[status ?? 0];
  // A repository that does not exist is no image that was not found.
  const known = code === "IMAGE_NOT_FOUND" ? "REGISTRY_ANSWER_INVALID" : code;
  return new ViolaError(known, `${name} ${what} (${base.protocol.slice(0, -1)}: ${answer})`, {
    subject: name,
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause }),
  });
}
