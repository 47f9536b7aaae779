// The session that pulling and pushing share: the HTTP client, authorization and refusals.
import { redactUrl } from "../../core/redact.js";
import { ViolaError, type ErrorCode } from "../../errors.js";
import { ConnectionFailure, type HttpAnswer, type HttpClient, type HttpRequest } from "../http/client.js";
import { describeAnswer, isRegistryError } from "../http/describe-answer.js";
import { AuthorizationFailure, parseChallenges, type Authorizer, type Resource } from "./auth.js";
import { codeOfStatus, type Denial, type RegistryRejection } from "./rejection.js";

/** The number of authorization attempts after which a 401 counts as a refusal. */
const AUTHORIZATION_TRIES = 2;
/** Errors that do not depend on the place. */
const INDEPENDENT_OF_PLACE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "FILE_UNUSABLE",
  "IMAGE_UNSUPPORTED",
  "SETTINGS_INVALID",
]);

/** A request to a registry, without Authorization. */
export interface RegistryRequest extends Omit<HttpRequest, "body"> {
  /** Creates the body. Called for each try. */
  readonly body?: () => HttpRequest["body"];
  readonly limitBytes: number;
}

/** A response that is a refusal. Header names are in lower case. */
export type RefusedAnswer = Pick<HttpAnswer, "url" | "status" | "headers" | "body">;

/** Sends requests to registries with the credentials of one user. */
export class RegistrySession {
  readonly http: HttpClient;
  readonly #authorizer: Authorizer;

  constructor(http: HttpClient, authorizer: Authorizer) {
    this.http = http;
    this.#authorizer = authorizer;
  }

  /**
   * Sends the request with the required authorization, and returns the response, which may be a
   * refusal.
   * Throws `ConnectionFailure`, `AuthorizationFailure`, `SETTINGS_INVALID` and the signal's reason.
   */
  send(resource: Resource, request: RegistryRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { limitBytes, body, headers, ...rest } = request;
    const attempt = (authorization: string | undefined): Promise<HttpAnswer> => {
      const content = body?.();
      return this.http.send(
        {
          ...rest,
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
   * Calls `attempt` with the Authorization header, and again with another header while
   * `findChallenge` returns the challenge of a 401. `findChallenge` must return undefined for a 401
   * of a server that a redirect led to, because the authorization is for the resource's server.
   * Throws `AuthorizationFailure`, and `ConnectionFailure` when the token server does not respond.
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

  /** True when the token server issued a token for the resource. */
  hasToken(resource: Resource): boolean {
    return this.#authorizer.knownHeader(resource)?.startsWith("Bearer") === true;
  }

  /** Describes a response that is a refusal. */
  async describeRefusal(resource: Resource, refusal: RefusedAnswer): Promise<RegistryRejection> {
    const { url, status, body } = refusal;
    const denial = denialOf(resource, refusal);
    return {
      code: codeOfStatus(status),
      ...(denial !== undefined && { denial }),
      place: placeOf(url),
      answer: describeAnswer(status, body),
      status,
      ...(await this.#credentialNote(resource)),
    };
  }

  /**
   * Describes the failure of a request, or an invalid response. Throws the cause when it does not
   * depend on the place.
   */
  async describeFailure(resource: Resource, url: URL, cause: unknown): Promise<RegistryRejection> {
    const place = placeOf(url);
    if (cause instanceof ConnectionFailure) {
      return {
        code: "REGISTRY_UNAVAILABLE",
        place: placeOf(cause.url),
        answer: cause.message,
        cause,
      };
    }
    if (cause instanceof AuthorizationFailure) {
      const isTemporary = cause.status !== undefined && codeOfStatus(cause.status) === "REGISTRY_UNAVAILABLE";
      const code = isTemporary ? "REGISTRY_UNAVAILABLE" : "REGISTRY_AUTH";
      const { status } = cause;
      return {
        code,
        place,
        answer: cause.message,
        ...(status !== undefined && { status }),
        cause,
        ...(await this.#credentialNote(resource)),
      };
    }
    if (cause instanceof ViolaError && !INDEPENDENT_OF_PLACE.has(cause.code)) {
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

/** Returns who denied access, or undefined when a registry denied it to this user. */
function denialOf({ base }: Resource, { url, status, body, headers }: RefusedAnswer): Denial | undefined {
  if (status !== 401 && status !== 403) return undefined;
  if (url.origin !== base.origin) return { kind: "storage", host: url.host };
  const schemes = parseChallenges(headers["www-authenticate"] ?? "").map(({ scheme }) => scheme);
  const isKnown = schemes.some((scheme) => scheme === "basic" || scheme === "bearer");
  if (schemes.length > 0 && !isKnown) return { kind: "scheme", schemes: schemes.join(", ") };
  return isKnown || body.length === 0 || isRegistryError(body) ? undefined : { kind: "foreign" };
}

/** Formats a URL for a message, without its query. */
function placeOf(url: URL): string {
  return redactUrl(new URL(url.origin + url.pathname));
}
