// What pulling and pushing have in common: one HTTP client, one way past a 401, one reading of refusals.
import { redactUrl } from "../../core/redact.js";
import { ViolaError, type ErrorCode } from "../../errors.js";
import { ConnectionFailure, type HttpAnswer, type HttpClient, type HttpRequest } from "../http/client.js";
import { describeAnswer } from "../http/describe-answer.js";
import { AuthorizationFailure, type Authorizer, type Resource } from "./auth.js";
import { codeOfStatus, type RegistryRejection } from "./rejection.js";

/** How many tokens one place may ask for before its 401 counts as a refusal. */
const AUTHORIZATION_TRIES = 2;
/** Errors that another place would not make better. */
const UNFIXABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "FILE_UNUSABLE",
  "IMAGE_UNSUPPORTED",
  "SETTINGS_INVALID",
]);

/** A request to a registry, without Authorization. */
export interface RegistryRequest extends Omit<HttpRequest, "body"> {
  /** Makes the body anew for each try. */
  readonly body?: () => HttpRequest["body"];
  readonly limitBytes: number;
}

/** Talks to registries on behalf of one user. */
export class RegistrySession {
  readonly http: HttpClient;
  readonly #authorizer: Authorizer;

  constructor(http: HttpClient, authorizer: Authorizer) {
    this.http = http;
    this.#authorizer = authorizer;
  }

  /**
   * Sends the request with what the server wants to see, and returns its answer, a refusal included.
   * Throws `ConnectionFailure`, `AuthorizationFailure`, `SETTINGS_INVALID` and the signal's reason.
   */
  send(resource: Resource, request: RegistryRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { limitBytes, body, headers, ...asked } = request;
    const attempt = (authorization: string | undefined): Promise<HttpAnswer> => {
      const content = body?.();
      return this.http.send(
        {
          ...asked,
          headers: authorization === undefined ? headers : { ...headers, authorization },
          ...(content !== undefined && { body: content }),
        },
        limitBytes,
        signal,
      );
    };
    return this.authorized(resource, attempt, challengeOf, signal);
  }

  /**
   * Calls `attempt` with the Authorization header to send, and again with another one while `findChallenge` finds a 401 of the server
   * itself in what it returned. Authorization is for the resource's own server: where a 401 comes from a place that a redirect led to,
   * `findChallenge` returns undefined. Throws `AuthorizationFailure`, and `ConnectionFailure` for a token server that does not answer.
   */
  async authorized<T>(
    resource: Resource,
    attempt: (authorization: string | undefined) => Promise<T>,
    findChallenge: (result: T, resource: Resource) => string | undefined,
    signal: AbortSignal,
  ): Promise<T> {
    let authorization = this.#authorizer.knownHeader(resource);
    for (let tries = 0; ; tries++) {
      const result = await attempt(authorization);
      const challenge = findChallenge(result, resource);
      if (challenge === undefined || tries === AUTHORIZATION_TRIES) return result;
      const next = await this.#authorizer.answer(resource, challenge, authorization, signal);
      if (next === undefined) return result;
      authorization = next;
    }
  }

  /** True when the server gave a token for the resource, good for whatever it may be. */
  hasToken(resource: Resource): boolean {
    return this.#authorizer.knownHeader(resource)?.startsWith("Bearer") === true;
  }

  /** Describes an answer that is a refusal. */
  async describeRefusal(
    resource: Resource,
    { url, status, body }: { readonly url: URL; readonly status: number; readonly body: Uint8Array },
  ): Promise<RegistryRejection> {
    return {
      code: codeOfStatus(status),
      place: placeOf(url),
      answer: describeAnswer(status, body),
      status,
      ...(await this.#credentialNote(resource)),
    };
  }

  /** Describes why a request got no answer, or a wrong one. Throws the cause when another place would not make it better. */
  async describeFailure(resource: Resource, url: URL, cause: unknown): Promise<RegistryRejection> {
    const place = placeOf(url);
    if (cause instanceof ConnectionFailure) {
      return { code: "REGISTRY_UNAVAILABLE", place: placeOf(cause.url), answer: cause.message, cause };
    }
    if (cause instanceof AuthorizationFailure) {
      const isPassing = cause.status !== undefined && codeOfStatus(cause.status) === "REGISTRY_UNAVAILABLE";
      const code = isPassing ? "REGISTRY_UNAVAILABLE" : "REGISTRY_AUTH";
      return { code, place, answer: cause.message, cause, ...(await this.#credentialNote(resource)) };
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

function challengeOf({ status, url, headers }: HttpAnswer, { base }: Resource): string | undefined {
  return status === 401 && url.origin === base.origin ? (headers["www-authenticate"] ?? "") : undefined;
}

/** Writes a URL for a message; its query says nothing that the image's name does not. */
function placeOf(url: URL): string {
  return redactUrl(new URL(url.origin + url.pathname));
}
