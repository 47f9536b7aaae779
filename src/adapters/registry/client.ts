// The registry client: manifests and blobs of repositories, from mirrors or the registry itself, checked against their digests.
import { ViolaError } from "../../errors.js";
import { MANIFEST_MEDIA_TYPES, type Descriptor } from "../../core/oci/descriptor.js";
import type { BlobSource } from "../../core/images/resolved-image.js";
import type { Settings } from "../files/user-settings.js";
import { AuthorizationFailure, Authorizer, type Resource } from "./auth.js";
import { CredentialStore, type CredentialPlaces } from "./credentials.js";
import { EndpointOrder, resourceAt, urlAt } from "./endpoints.js";
import {
  readManifest,
  readWholeBlob,
  MANIFEST_LIMIT_BYTES,
  type FetchedManifest,
} from "./verify-response.js";
import { ConnectionFailure, HttpClient, redactUrl, type HttpAnswer } from "../http/client.js";
import { describeAnswer } from "../http/describe-answer.js";
import { codeOfStatus, refusalError, type RegistryRejection } from "./rejection.js";
import { httpSettings } from "../http/settings.js";

/** The repository that a blob or manifest is asked of; the registry is the one in the reference, not a mirror. */
export type RegistryRepository = Omit<Extract<BlobSource, { kind: "registry" }>, "kind">;

/** What a RegistryClient is made with. */
export interface RegistryClientOptions extends CredentialPlaces {
  readonly settings: Pick<Settings, "mirrors" | "insecure" | "ca" | "concurrency">;
  /** The first wait before another try; for tests. */
  readonly firstDelayMs?: number;
}

/** Everything that another HTTP client needs to fetch a blob from one place. */
export interface BlobRequest {
  readonly url: string;
  /** With Authorization when one is known already. It is for this URL's origin only, redirects drop it. */
  readonly headers: Readonly<Record<string, string>>;
  /** True when the place is to be asked only if the one before it in the list cannot be reached. */
  readonly fallback: boolean;
  /** For `authorize`. */
  readonly resource: Resource;
}

/** Configs have a few kilobytes. */
const SMALL_BLOB_LIMIT_BYTES = 16 * 1024 * 1024;
const AUTHORIZATION_TRIES = 2;
/** Errors that another place would not make better. */
const UNFIXABLE: ReadonlySet<string> = new Set(["IMAGE_UNSUPPORTED", "SETTINGS_INVALID"]);

/** A request that any endpoint may answer; `accept` returns undefined for a refusal. */
interface Ask<T> {
  /** Path behind the repository. */
  readonly what: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly limitBytes: number;
  readonly accept: (answer: HttpAnswer) => T | undefined;
}

/** One run's view of all registries. What was fetched by digest is not fetched again. Close it when done. */
export class RegistryClient {
  readonly #endpoints: EndpointOrder;
  /** For what is fetched by other means than `fetchManifest` and `readBlob`. */
  readonly http: HttpClient;
  readonly #authorizer: Authorizer;
  readonly #manifests = new Map<string, Promise<FetchedManifest>>();
  readonly #blobs = new Map<string, Promise<Uint8Array>>();

  constructor({ settings, env, home, firstDelayMs }: RegistryClientOptions) {
    this.#endpoints = new EndpointOrder(settings);
    this.http = new HttpClient({
      settings: httpSettings(settings, env),
      concurrency: settings.concurrency,
      ...(firstDelayMs !== undefined && { firstDelayMs }),
    });
    this.#authorizer = new Authorizer(this.http, new CredentialStore({ env, home }));
  }

  /**
   * Fetches an index or manifest by tag or digest; `subject` names the image in messages.
   * The digest is always computed here from the bytes and compared with the one asked for and the one that the registry states.
   */
  fetchManifest(
    repository: RegistryRepository,
    tagOrDigest: string,
    subject: string,
    signal: AbortSignal,
  ): Promise<FetchedManifest> {
    return remember(this.#manifests, `${nameOf(repository)}@${tagOrDigest}`, async () => {
      const fetched = await this.#ask(repository, subject, signal, {
        what: `manifests/${tagOrDigest}`,
        headers: { accept: MANIFEST_MEDIA_TYPES.join(", ") },
        limitBytes: MANIFEST_LIMIT_BYTES,
        accept: (answer) => (answer.status === 200 ? readManifest(answer, tagOrDigest, subject) : undefined),
      });
      // A tag's manifest is known by its digest from now on.
      this.#manifests.set(`${nameOf(repository)}@${fetched.raw.digest}`, Promise.resolve(fetched));
      return fetched;
    });
  }

  /** Returns a small blob whole, such as a config, with size and digest checked. */
  readBlob(
    repository: RegistryRepository,
    descriptor: Descriptor,
    subject: string,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { digest, size } = descriptor;
    if (size > SMALL_BLOB_LIMIT_BYTES) {
      return Promise.reject(
        new ViolaError("IMAGE_UNSUPPORTED", `${subject}: its config ${digest} has ${size} bytes`, {
          subject,
        }),
      );
    }
    return remember(this.#blobs, digest, () =>
      this.#ask(repository, subject, signal, {
        what: `blobs/${digest}`,
        headers: {},
        limitBytes: size,
        accept: (answer) => (answer.status === 200 ? readWholeBlob(answer, descriptor, subject) : undefined),
      }),
    );
  }

  /** Returns the last bytes of a blob, at most `bytes`; undefined when the registry does not serve parts of blobs. */
  async readBlobTail(
    repository: RegistryRepository,
    descriptor: Descriptor,
    bytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const { digest, size } = descriptor;
    const start = Math.max(0, size - bytes);
    if (start === size) return new Uint8Array();
    const answer = await this.#ask(repository, `${nameOf(repository)}@${digest}`, signal, {
      what: `blobs/${digest}`,
      headers: { range: `bytes=${start}-${size - 1}` },
      limitBytes: size - start,
      accept: (response) => ([200, 206, 416].includes(response.status) ? response : undefined),
    });
    const isAsked = answer.headers["content-range"]?.startsWith(`bytes ${start}-`) === true;
    return answer.status === 206 && isAsked && answer.body.length === size - start ? answer.body : undefined;
  }

  /**
   * Lists the places to fetch a blob from, in the order in which to try them: the one that gave the manifest first. Skip one with `fallback` unless
   * the connection to the place before it failed.
   */
  blobRequests(repository: RegistryRepository, digest: string): readonly BlobRequest[] {
    return this.#endpoints.list(repository.registry, repository.repository).map((endpoint) => {
      const url = urlAt(endpoint, repository.repository, `blobs/${digest}`);
      const resource = resourceAt(endpoint, repository.repository);
      const authorization = this.#authorizer.knownHeader(resource);
      return {
        url: url.href,
        headers: authorization === undefined ? {} : { authorization },
        fallback: endpoint.fallback,
        resource,
      };
    });
  }

  /**
   * Answers a 401 that the place itself (not where a redirect led) gave to `request`: returns the request to send instead, or undefined when there is
   * nothing else to try. `wwwAuthenticate` is the header of the 401. Throws `REGISTRY_AUTH` or `REGISTRY_UNAVAILABLE` for a token server that
   * refuses or does not answer.
   */
  async authorize(
    request: BlobRequest,
    wwwAuthenticate: string | undefined,
    subject: string,
    signal: AbortSignal,
  ): Promise<BlobRequest | undefined> {
    const { authorization: sent, ...headers } = request.headers;
    try {
      const authorization = await this.#authorizer.answer(request.resource, wwwAuthenticate, sent, signal);
      return authorization === undefined ? undefined : { ...request, headers: { ...headers, authorization } };
    } catch (cause) {
      throw refusalError(subject, [await this.#toRefusal(new URL(request.url), request.resource, cause)]);
    }
  }

  /** Closes idle connections. */
  async close(): Promise<void> {
    await this.http.close();
  }

  /**
   * Asks one endpoint after the other until `accept` returns something. It returns undefined for an answer that is a refusal and throws a ViolaError
   * for one that is wrong; both lead to the next endpoint, except `IMAGE_UNSUPPORTED`, which another one would not make better.
   */
  async #ask<T>(
    repository: RegistryRepository,
    subject: string,
    signal: AbortSignal,
    ask: Ask<T>,
  ): Promise<T> {
    const refusals: RegistryRejection[] = [];
    let unreachable = false;
    for (const endpoint of this.#endpoints.list(repository.registry, repository.repository)) {
      if (endpoint.fallback && !unreachable) continue;
      unreachable = false;
      const resource = resourceAt(endpoint, repository.repository);
      const url = urlAt(endpoint, repository.repository, ask.what);
      // The HTTPS side before a fallback says nothing more than its HTTP side will.
      if (endpoint.fallback) refusals.pop();
      try {
        const answer = await this.#askOne(url, resource, ask, signal);
        this.#endpoints.noteAnswer(endpoint);
        const accepted = ask.accept(answer);
        if (accepted !== undefined) {
          this.#endpoints.noteContent(endpoint, repository.registry, repository.repository);
          return accepted;
        }
        refusals.push(await this.#answerRefusal(resource, answer));
      } catch (cause) {
        unreachable = cause instanceof ConnectionFailure && !cause.isCertificateRefused;
        refusals.push(await this.#toRefusal(url, resource, cause));
      }
    }
    throw refusalError(subject, refusals);
  }

  async #askOne(url: URL, resource: Resource, ask: Ask<unknown>, signal: AbortSignal): Promise<HttpAnswer> {
    let authorization = this.#authorizer.knownHeader(resource);
    for (let tries = 0; ; tries++) {
      const headers = authorization === undefined ? ask.headers : { ...ask.headers, authorization };
      const answer = await this.http.send({ method: "GET", url, headers }, ask.limitBytes, signal);
      const isOurs = answer.status === 401 && answer.url.origin === url.origin;
      if (!isOurs || tries === AUTHORIZATION_TRIES) return answer;
      const challenge = answer.headers["www-authenticate"];
      const next = await this.#authorizer.answer(resource, challenge, authorization, signal);
      if (next === undefined) return answer;
      authorization = next;
    }
  }

  async #answerRefusal(resource: Resource, answer: HttpAnswer): Promise<RegistryRejection> {
    return {
      code: codeOfStatus(answer.status),
      place: describe(answer.url),
      answer: describeAnswer(answer.status, answer.body),
      status: answer.status,
      ...(await this.#credentialNote(resource)),
    };
  }

  async #toRefusal(url: URL, resource: Resource, cause: unknown): Promise<RegistryRejection> {
    const place = describe(url);
    const note = await this.#credentialNote(resource);
    if (cause instanceof ConnectionFailure) {
      return { code: "REGISTRY_UNAVAILABLE", place: describe(cause.url), answer: cause.message, cause };
    }
    if (cause instanceof AuthorizationFailure) {
      const isPassing = cause.status !== undefined && codeOfStatus(cause.status) === "REGISTRY_UNAVAILABLE";
      return {
        code: isPassing ? "REGISTRY_UNAVAILABLE" : "REGISTRY_AUTH",
        place,
        answer: cause.message,
        cause,
        ...note,
      };
    }
    if (cause instanceof ViolaError && !UNFIXABLE.has(cause.code)) {
      return { code: cause.code, place, answer: cause.message, cause };
    }
    throw cause;
  }

  async #credentialNote(
    resource: Resource,
  ): Promise<Pick<RegistryRejection, "credentialHost" | "credentialOrigin">> {
    const origin = await this.#authorizer.findCredentialOrigin(resource);
    return {
      credentialHost: resource.credentialHost,
      ...(origin !== undefined && { credentialOrigin: origin }),
    };
  }
}

/** Writes a URL for a message; its query says nothing that the image's name does not. */
function describe(url: URL): string {
  return redactUrl(new URL(url.origin + url.pathname));
}

/** Runs `make` once per key; a failure is not remembered. */
function remember<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const earlier = known.get(key);
  if (earlier !== undefined) return earlier;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}

function nameOf({ registry, repository }: RegistryRepository): string {
  return `${registry}/${repository}`;
}
