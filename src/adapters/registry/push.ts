// Pushes manifests and blobs of a bundle file to one registry. Blobs of other repositories are
// mounted.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { PlacedBlob } from "../../core/bundle/blob-places.js";
import { counted } from "../../core/load/counted.js";
import type { ManifestOutcome, PushRegistry } from "../../core/load/push-registry.js";
import type { ManifestBytes } from "../../core/load/registry-layout.js";
import { MANIFEST_MEDIA_TYPES, OCI_INDEX } from "../../core/oci/descriptor.js";
import { digestOf, isSha256 } from "../../core/oci/digest.js";
import { ViolaError } from "../../errors.js";
import { readSegments } from "../files/read-segments.js";
import { ConnectionFailure, type HttpAnswer } from "../http/client.js";
import { describeAnswer } from "../http/describe-answer.js";
import { retryDelayMs, type TryOutcome } from "../http/retry.js";
import { adviceFor } from "./advice.js";
import { AuthorizationFailure, type Resource } from "./auth.js";
import { urlOfApi, type Endpoint } from "./endpoints.js";
import { codeOfStatus, type RegistryRejection } from "./rejection.js";
import type { RegistryRequest, RegistrySession } from "./session.js";

/** The response limit. It allows for a manifest that is read because its digest is not in a header. */
export const PUSH_ANSWER_BYTES = 8 * 1024 * 1024;
/** A registry may copy a blob within its storage before it responds, at least this fast. */
const STORE_BYTES_PER_SECOND = 5_000_000;
const CANCEL_TIMEOUT_MS = 2_000;

/** The responses of registries that do not support HEAD. */
const NO_HEAD: ReadonlySet<number> = new Set([400, 405, 501]);
/** Hints by status. */
const HINTS: Readonly<Record<number, string>> = {
  404: "In some registries, the project or repository must be created first. Some also respond with 404 when write access is denied.",
  507: "Free space in the storage of the registry, then try again: what it has is not sent again.",
  413: "A proxy in front of the registry limits the request size (nginx: client_max_body_size). Raise it above the largest layer.",
};

/** The options of a Pusher. */
export interface PusherOptions {
  /** The delay before the first retry. For tests. */
  readonly firstDelayMs?: number;
}

/** Pushes to one registry, which has responded to a ping. */
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
    throw await this.#refusal(resource, answer, "refused to look up a blob");
  }

  async mountBlob(repository: string, digest: string, from: string, signal: AbortSignal): Promise<boolean> {
    const resource = this.#resource(repository, `repository:${from}:pull`);
    const url = this.#url(`${repository}/blobs/uploads/`);
    url.searchParams.set("mount", digest);
    url.searchParams.set("from", from);
    const request: SmallRequest = { method: "POST", url, headers: {} };
    const answer = await this.#send(resource, request, signal).catch((cause: unknown) => {
      // The user may lack read access to the other repository.
      if (cause instanceof ViolaError && cause.code === "REGISTRY_AUTH") return undefined;
      throw cause;
    });
    if (answer?.status === 201) return true;
    // The registry started an upload instead.
    if (answer?.status === 202) await this.#cancel(resource, this.#locationOf(answer));
    return false;
  }

  async uploadBlob(
    repository: string,
    blob: PlacedBlob,
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
      // The registry may have stored the blob although its response was lost.
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
      throw await this.#refusal(resource, answer, "refused to look up a manifest");
    }
    const stated = answer.status === 200 ? answer.headers["docker-content-digest"] : undefined;
    if (stated !== undefined && isSha256(stated)) return stated;
    const whole = await this.#send(resource, { method: "GET", url, headers }, signal);
    return whole.status === 200 && !whole.tooLong ? digestOf(whole.body) : undefined;
  }

  async readManifest(
    repository: string,
    reference: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const url = this.#url(`${repository}/manifests/${reference}`);
    const headers = { accept: MANIFEST_MEDIA_TYPES.join(", ") };
    const resource = this.#resource(repository);
    const answer = await this.#send(resource, { method: "GET", url, headers }, signal);
    if (answer.status === 200 && !answer.tooLong) return answer.body;
    if (answer.status === 404) return undefined;
    throw await this.#refusal(resource, answer, "refused to return a manifest");
  }

  async hasReferrersApi(repository: string, digest: string, signal: AbortSignal): Promise<boolean> {
    const url = this.#url(`${repository}/referrers/${digest}`);
    const request: SmallRequest = {
      method: "GET",
      url,
      headers: { accept: OCI_INDEX },
    };
    const { status, headers } = await this.#send(this.#resource(repository), request, signal);
    // Anything else is a registry without this API, or a page for browsers.
    return status === 200 && headers["content-type"]?.startsWith(OCI_INDEX) === true;
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
      throw await this.#refusal(resource, answer, `refused the manifest ${reference}`);
    }
    return {
      kind: "refused",
      answer: describeAnswer(answer.status, answer.body),
    };
  }

  /** Requests the first byte of a blob. A wrong negative result only causes an unnecessary upload. */
  async #answersGet(resource: Resource, url: URL, signal: AbortSignal): Promise<boolean> {
    const request = {
      method: "GET",
      url,
      headers: { range: "bytes=0-0" },
      limitBytes: 1,
    } as const;
    const { status } = await this.#send(resource, request, signal);
    return status === 200 || status === 206;
  }

  /**
   * Uploads the blob once, in a single request. `error` is absent after success. `outcome` decides
   * whether to retry.
   */
  async #upload(
    resource: Resource,
    { digest, file, offset, size }: PlacedBlob,
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: TryOutcome; readonly error?: ViolaError }> {
    const begin: SmallRequest = {
      method: "POST",
      url: this.#url(`${resource.repository}/blobs/uploads/`),
      headers: {},
    };
    const begun = await this.#send(resource, begin, signal);
    const what = `refused the blob ${digest}`;
    if (begun.status !== 202) throw await this.#refusal(resource, begun, what);
    const location = this.#locationOf(begun);
    const url = new URL(
      `${location.href}${location.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`,
    );
    const headers = {
      "content-type": "application/octet-stream",
      "content-length": String(size),
    };
    let sent = 0;
    const open = (): Readable => {
      onSent(-sent);
      sent = 0;
      return Readable.from(
        counted(readSegments([{ file, offset, size }]), (bytes) => {
          sent += bytes;
          onSent(bytes);
        }),
        { objectMode: false },
      );
    };
    try {
      const request: SmallRequest = {
        method: "PUT",
        url,
        headers,
        body: open,
        extraAnswerMs: (1000 * size) / STORE_BYTES_PER_SECOND,
      };
      const answer = await this.#send(resource, request, signal);
      if (answer.status === 201) return { outcome: {} };
      onSent(-sent);
      // When one of several registries behind an address does not know the upload, it is retried.
      const status = answer.status === 404 ? 503 : answer.status;
      const error = await this.#refusal(resource, answer, what);
      return {
        outcome: { status, retryAfter: answer.headers["retry-after"] },
        error,
      };
    } catch (error) {
      onSent(-sent);
      await this.#cancel(resource, location);
      signal.throwIfAborted();
      if (!(error instanceof ViolaError) || !(error.cause instanceof ConnectionFailure)) throw error;
      return { outcome: { errorCode: error.cause.code }, error };
    }
  }

  /**
   * Cancels an upload. A failure is ignored, because the registry removes incomplete uploads after a
   * week (storage.maintenance.uploadpurging of docker-registry) and never serves them.
   */
  async #cancel(resource: Resource, location: URL): Promise<void> {
    const request: SmallRequest = {
      method: "DELETE",
      url: location,
      headers: {},
    };
    await this.#send(resource, request, AbortSignal.timeout(CANCEL_TIMEOUT_MS)).catch(() => undefined);
  }

  /**
   * Sends a request and returns the response, whatever its status. Throws `REGISTRY_UNAVAILABLE` when
   * there is no response, and `REGISTRY_AUTH` when a token server refuses a token.
   */
  async #send(resource: Resource, request: SmallRequest, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#session.send(resource, { limitBytes: PUSH_ANSWER_BYTES, ...request }, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const failure = await this.#session.describeFailure(resource, request.url, cause);
      throw pushError(this.#endpoint.base, resource.repository, predicateOf(cause), failure);
    }
  }

  /** Returns the error for a refusal. `what` is the predicate of the message. */
  async #refusal(resource: Resource, answer: HttpAnswer, what: string): Promise<ViolaError> {
    const refusal = await this.#session.describeRefusal(resource, answer);
    return pushError(this.#endpoint.base, resource.repository, what, refusal);
  }

  /** Returns the resource for push access to a repository. `more` is an additional scope. */
  #resource(repository: string, more?: string): Resource {
    const { base, credentialHost, insecure } = this.#endpoint;
    const scope = [`repository:${repository}:pull,push`, ...(more === undefined ? [] : [more])].join(" ");
    return { base, repository, credentialHost, insecure, scope };
  }

  #url(path: string): URL {
    return urlOfApi(this.#endpoint.base, path);
  }

  /**
   * Returns the URL of an upload. A registry behind a proxy that terminates TLS may state a URL with
   * plain HTTP, so scheme and port are those of the endpoint.
   */
  #locationOf(answer: HttpAnswer): URL {
    const { base } = this.#endpoint;
    const url = new URL(answer.headers["location"] ?? "", answer.url);
    return url.hostname === base.hostname ? new URL(url.pathname + url.search, base) : url;
  }
}

/** Returns the predicate of the message about a request without a response. */
export function predicateOf(cause: unknown): string {
  return cause instanceof AuthorizationFailure ? "denied access" : "cannot be reached";
}

/** A request with a small response. */
type SmallRequest = Omit<RegistryRequest, "limitBytes"> & {
  readonly limitBytes?: number;
};

/**
 * Returns the error for a request that a registry refused. `what` is the predicate of the message.
 * The subject is the registry itself when the repository is empty.
 */
export function pushError(
  base: URL,
  repository: string,
  what: string,
  rejection: RegistryRejection,
): ViolaError {
  const { code, answer, status, cause } = rejection;
  const name = repository === "" ? base.host : `${base.host}/${repository}`;
  const isExplained = code === "REGISTRY_UNAVAILABLE" || code === "REGISTRY_AUTH";
  const hint =
    HINTS[status ?? 0] ??
    (isExplained ? adviceFor({ credentialHost: base.host, ...rejection }, "push access") : undefined);
  // IMAGE_NOT_FOUND is for pulled images only, not for repositories that do not exist.
  const known = code === "IMAGE_NOT_FOUND" ? "REGISTRY_ANSWER_INVALID" : code;
  return new ViolaError(known, `${name} ${what} (${base.protocol.slice(0, -1)}: ${answer})`, {
    subject: name,
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause }),
  });
}
