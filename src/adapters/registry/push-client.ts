// The registry client for writing: blobs straight from the bundle file, mounted where another repository has them, and manifests.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { InventoryBlob } from "../../core/bundle/inventory.js";
import type { ManifestOutcome, PushRegistry } from "../../core/cluster/push-registry.js";
import type { ManifestBytes } from "../../core/cluster/registry-layout.js";
import { MANIFEST_MEDIA_TYPES } from "../../core/oci/descriptor.js";
import { digestOf, isSha256 } from "../../core/oci/digest.js";
import { ViolaError, type ErrorCode } from "../../errors.js";
import { readSegments } from "../bundle-registry/segments.js";
import { AuthorizationFailure, Authorizer, type Resource } from "./auth.js";
import type { RegistryClientOptions } from "./client.js";
import { CredentialStore } from "./credentials.js";
import { endpointsFor, type Endpoint } from "./endpoints.js";
import { ConnectionFailure, HttpClient, type HttpAnswer, type HttpRequest } from "./http.js";
import { codeOfStatus, describeAnswer } from "./refusal.js";
import { retryDelayMs, type TryOutcome } from "./retry.js";

/** A manifest, when it must be read to know its digest. */
const ANSWER_LIMIT_BYTES = 8 * 1024 * 1024;
/** A registry may move a blob of gigabytes to its place before it answers. */
const STORE_TIMEOUT_MS = 15 * 60_000;
const CANCEL_TIMEOUT_MS = 2_000;
const AUTHORIZATION_TRIES = 2;

/** A request, without the headers that get it past the door. `open` makes the body anew for each try. */
interface Ask extends Pick<HttpRequest, "method" | "headers" | "body" | "timeoutMs"> {
  readonly url: URL;
  readonly open?: () => Readable;
}

/**
 * Reaches the registry and makes sure that it lets us in: HTTPS with a checked certificate, plain HTTP only for this machine's own ports and
 * hosts that the settings call insecure. Mirrors do not count. `file` is the bundle that blobs come from. Close the client when done.
 * Throws `REGISTRY_UNAVAILABLE` or `REGISTRY_AUTH`.
 */
export async function connectPushRegistry(
  host: string,
  file: string,
  { settings, env, home, firstDelayMs }: RegistryClientOptions,
  signal: AbortSignal,
): Promise<PushClient> {
  const http = new HttpClient({
    ca: settings.ca.map(({ pem }) => pem),
    insecure: new Set([...settings.insecure].map((one) => new URL(`https://${one}`).host)),
    concurrency: settings.concurrency,
    env,
    ...(firstDelayMs !== undefined && { firstDelayMs }),
  });
  const authorizer = new Authorizer(http, new CredentialStore({ env, home }));
  let failure: unknown;
  for (const endpoint of endpointsFor(host, { mirrors: new Map(), insecure: settings.insecure })) {
    const client = new PushClient(http, authorizer, endpoint, file, firstDelayMs);
    try {
      await client.enter(signal);
      return client;
    } catch (cause) {
      failure = cause;
      // The plain side is asked where nothing speaks TLS; a certificate that is not trusted is an answer.
      const lower = cause instanceof ViolaError ? cause.cause : undefined;
      if (!(lower instanceof ConnectionFailure) || lower.isCertificateRefused) break;
    }
  }
  await http.close();
  throw failure;
}

/** One registry, entered. */
export class PushClient implements PushRegistry {
  readonly origin: string;
  readonly #http: HttpClient;
  readonly #authorizer: Authorizer;
  readonly #endpoint: Endpoint;
  readonly #file: string;
  readonly #firstDelayMs: number | undefined;

  constructor(
    http: HttpClient,
    authorizer: Authorizer,
    endpoint: Endpoint,
    file: string,
    firstDelayMs: number | undefined,
  ) {
    this.origin = endpoint.base.origin;
    this.#http = http;
    this.#authorizer = authorizer;
    this.#endpoint = endpoint;
    this.#file = file;
    this.#firstDelayMs = firstDelayMs;
  }

  /** Asks for nothing but to be let in: a wrong password is said once here, and not for every repository. */
  async enter(signal: AbortSignal): Promise<void> {
    const { host } = this.#endpoint.base;
    const resource = { ...this.#resource("", ""), scope: "" };
    const answer = await this.#send(
      resource,
      { method: "GET", url: this.#url(""), headers: {} },
      host,
      signal,
    );
    // A registry that lets nobody in without a repository in mind says so with a token that is good for nothing.
    const isDenied =
      answer.status === 401 && this.#authorizer.knownHeader(resource)?.startsWith("Bearer") !== true;
    if (isDenied || answer.status === 403 || answer.status >= 500) {
      throw await this.#refusal(host, resource, answer, "cannot be entered");
    }
    if (answer.status === 404) {
      throw new ViolaError("REGISTRY_ANSWER_INVALID", `${host} is no container registry (404 for /v2/)`, {
        subject: host,
        hint: "Check host and port; what follows them is the folder to push into, and not the registry's own path.",
      });
    }
  }

  async hasBlob(repository: string, digest: string, signal: AbortSignal): Promise<boolean> {
    const resource = this.#resource(repository);
    const url = this.#url(`${repository}/blobs/${digest}`);
    const answer = await this.#send(resource, { method: "HEAD", url, headers: {} }, repository, signal);
    if (answer.status === 200) return true;
    if (answer.status === 404) return false;
    throw await this.#refusal(repository, resource, answer, "cannot be asked what it has");
  }

  async mountBlob(repository: string, digest: string, from: string, signal: AbortSignal): Promise<boolean> {
    const resource = this.#resource(repository, `repository:${from}:pull`);
    const url = this.#url(`${repository}/blobs/uploads/`);
    url.searchParams.set("mount", digest);
    url.searchParams.set("from", from);
    const answer = await this.#send(resource, { method: "POST", url, headers: {} }, repository, signal);
    if (answer.status === 201) return true;
    // The registry began an upload instead.
    if (answer.status === 202) await this.#cancel(resource, this.#locationOf(answer));
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
      const { outcome, error } = await this.#upload(repository, resource, blob, onSent, signal);
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
    const resource = this.#resource(repository);
    const url = this.#url(`${repository}/manifests/${reference}`);
    const headers = { accept: MANIFEST_MEDIA_TYPES.join(", ") };
    const answer = await this.#send(resource, { method: "HEAD", url, headers }, repository, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) {
      throw await this.#refusal(repository, resource, answer, "cannot be asked what it has");
    }
    const stated = answer.headers["docker-content-digest"];
    if (stated !== undefined && isSha256(stated)) return stated;
    const whole = await this.#send(resource, { method: "GET", url, headers }, repository, signal);
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
    const answer = await this.#send(
      resource,
      { method: "PUT", url, headers, body: bytes },
      repository,
      signal,
    );
    if (answer.status >= 200 && answer.status < 300) return { kind: "stored" };
    const code = codeOfStatus(answer.status);
    if (code === "REGISTRY_AUTH" || code === "REGISTRY_UNAVAILABLE") {
      throw await this.#refusal(repository, resource, answer, `does not take the manifest ${reference}`);
    }
    return { kind: "refused", answer: describeAnswer(answer.status, answer.body) };
  }

  /** Closes idle connections. */
  async close(): Promise<void> {
    await this.#http.close();
  }

  /** Sends the blob once, as a whole: `error` is why it did not arrive, `outcome` says whether another try is worth it. */
  async #upload(
    repository: string,
    resource: Resource,
    { digest, offset, size }: InventoryBlob,
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: TryOutcome; readonly error?: ViolaError }> {
    const begin: Ask = { method: "POST", url: this.#url(`${repository}/blobs/uploads/`), headers: {} };
    const begun = await this.#send(resource, begin, repository, signal);
    const what = `does not take the blob ${digest}`;
    if (begun.status !== 202) throw await this.#refusal(repository, resource, begun, what);
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
        counted(readSegments(this.#file, [{ offset, size }]), (bytes) => {
          sent += bytes;
          onSent(bytes);
        }),
        { objectMode: false },
      );
    };
    try {
      const ask: Ask = { method: "PUT", url, headers, open, timeoutMs: STORE_TIMEOUT_MS };
      const answer = await this.#send(resource, ask, repository, signal);
      if (answer.status === 201) return { outcome: {} };
      onSent(-sent);
      // An upload that the registry has forgotten, as one of several behind one address does, begins anew.
      const status = answer.status === 404 ? 503 : answer.status;
      const error = await this.#refusal(repository, resource, answer, what);
      return { outcome: { status, retryAfter: answer.headers["retry-after"] }, error };
    } catch (error) {
      onSent(-sent);
      await this.#cancel(resource, location);
      signal.throwIfAborted();
      if (!(error instanceof ViolaError) || !(error.cause instanceof ConnectionFailure)) throw error;
      return { outcome: { errorCode: error.cause.code }, error };
    }
  }

  /** Tells the registry that an upload will not go on. It forgets abandoned ones by itself some day, so this may fail. */
  async #cancel(resource: Resource, location: URL): Promise<void> {
    const ask: Ask = { method: "DELETE", url: location, headers: {} };
    await this.#send(resource, ask, "", AbortSignal.timeout(CANCEL_TIMEOUT_MS)).catch(() => undefined);
  }

  /** Sends a request, with what the registry wants to see of us. */
  async #send(
    resource: Resource,
    { url, headers, open, body, ...ask }: Ask,
    subject: string,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const isOurs = url.origin === this.origin;
    try {
      let authorization = isOurs ? this.#authorizer.knownHeader(resource) : undefined;
      for (let tries = 0; ; tries++) {
        const content = open?.() ?? body;
        const answer = await this.#http.send(
          {
            ...ask,
            url,
            headers: authorization === undefined ? headers : { ...headers, authorization },
            ...(content !== undefined && { body: content }),
            limitBytes: ANSWER_LIMIT_BYTES,
          },
          signal,
        );
        if (answer.status !== 401 || answer.url.origin !== this.origin || tries === AUTHORIZATION_TRIES)
          return answer;
        const challenge = answer.headers["www-authenticate"];
        const next = await this.#authorizer.answer(resource, challenge, authorization, signal);
        if (next === undefined) return answer;
        authorization = next;
      }
    } catch (cause) {
      if (cause instanceof ConnectionFailure) {
        throw this.#error("REGISTRY_UNAVAILABLE", subject, "cannot be reached", cause.message, cause);
      }
      if (cause instanceof AuthorizationFailure) {
        const isPassing = cause.status !== undefined && codeOfStatus(cause.status) === "REGISTRY_UNAVAILABLE";
        const note = await this.#credentialNote(resource);
        throw this.#error(
          isPassing ? "REGISTRY_UNAVAILABLE" : "REGISTRY_AUTH",
          subject,
          "denies",
          cause.message,
          cause,
          note,
        );
      }
      throw cause;
    }
  }

  async #refusal(subject: string, resource: Resource, answer: HttpAnswer, what: string): Promise<ViolaError> {
    const code = codeOfStatus(answer.status);
    const known = code === "IMAGE_NOT_FOUND" ? "REGISTRY_ANSWER_INVALID" : code;
    const text = describeAnswer(answer.status, answer.body);
    const note = answer.status === 413 ? TOO_LARGE : await this.#credentialNote(resource);
    return this.#error(known, subject, what, text, undefined, note);
  }

  #error(
    code: ErrorCode,
    subject: string,
    what: string,
    answer: string,
    cause?: unknown,
    note?: string,
  ): ViolaError {
    const { base } = this.#endpoint;
    const name = subject === base.host || subject === "" ? base.host : `${base.host}/${subject}`;
    const hint = code === "REGISTRY_UNAVAILABLE" ? UNREACHABLE : note;
    return new ViolaError(code, `${name} ${what} (${base.protocol.slice(0, -1)}: ${answer})`, {
      subject: name,
      ...(hint !== undefined && { hint }),
      ...(cause !== undefined && { cause }),
    });
  }

  async #credentialNote(resource: Resource): Promise<string> {
    const origin = await this.#authorizer.findCredentialOrigin(resource);
    const host = resource.credentialHost;
    return origin === undefined
      ? `Log in with docker login or podman login: no credentials for ${host} were found.`
      : `Log in as somebody who may push there: credentials for ${host} from ${origin} were sent.`;
  }

  #resource(repository: string, more?: string): Resource {
    const { base, credentialHost, insecure } = this.#endpoint;
    const scope = [`repository:${repository}:pull,push`, ...(more === undefined ? [] : [more])].join(" ");
    return { base, repository, credentialHost, insecure, scope };
  }

  #url(path: string): URL {
    return new URL(`/v2/${path}`, this.#endpoint.base);
  }

  /** Where an upload goes on. Behind a proxy that ends TLS, registries take themselves to be plain: their word is not taken for that. */
  #locationOf(answer: HttpAnswer): URL {
    const { base } = this.#endpoint;
    const url = new URL(answer.headers["location"] ?? "", answer.url);
    return url.hostname === base.hostname ? new URL(url.pathname + url.search, base) : url;
  }
}

const UNREACHABLE =
  "Check that it runs and can be reached from here, or name ca or insecure in the settings, or a proxy in HTTPS_PROXY.";
const TOO_LARGE =
  "A proxy before the registry limits what may be sent (nginx: client_max_body_size); raise it above the largest layer.";

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    onChunk(chunk.length);
  }
}
