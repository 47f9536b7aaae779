// The door of a registry that is written to: finding it, getting past it, and refusals in words that an operator can act on.
import type { Readable } from "node:stream";
import { ViolaError, type ErrorCode } from "../../errors.js";
import { AuthorizationFailure, Authorizer, type Resource } from "./auth.js";
import type { RegistryClientOptions } from "./client.js";
import { CredentialStore } from "./credentials.js";
import { endpointsFor, type Endpoint } from "./endpoints.js";
import { ConnectionFailure, HttpClient, type HttpAnswer, type HttpRequest } from "../http/client.js";
import { httpSettings } from "../http/settings.js";
import { describeAnswer } from "../http/describe-answer.js";
import { codeOfStatus } from "./rejection.js";

/** A manifest, when it must be read to know its digest. */
const ANSWER_LIMIT_BYTES = 8 * 1024 * 1024;
const AUTHORIZATION_TRIES = 2;
const UNREACHABLE =
  "Check that it runs and can be reached from here, or name ca or insecure in the settings, or a proxy in HTTPS_PROXY.";
/** By status. */
const HINTS: Readonly<Record<number, string>> = {
  404: "Some registries want the project or repository to be made first, and some say this of what one may not write to.",
  413: "A proxy before the registry limits what may be sent (nginx: client_max_body_size); raise it above the largest layer.",
};

/** A request, without the headers that get it past the door. `open` makes the body anew for each try. */
export interface Ask extends Pick<HttpRequest, "method" | "headers" | "body" | "timeoutMs"> {
  readonly url: URL;
  readonly open?: () => Readable;
}

/**
 * Reaches the registry and makes sure that it lets us in: HTTPS with a checked certificate, plain HTTP only for this machine's own ports and
 * hosts that the settings call insecure. Mirrors do not count. Close the door when done.
 * Throws `REGISTRY_UNAVAILABLE` or `REGISTRY_AUTH`.
 */
export async function openPushDoor(
  host: string,
  { settings, env, home, firstDelayMs }: RegistryClientOptions,
  signal: AbortSignal,
): Promise<PushConnection> {
  const http = new HttpClient({
    settings: httpSettings(settings, env),
    concurrency: settings.concurrency,
    ...(firstDelayMs !== undefined && { firstDelayMs }),
  });
  const authorizer = new Authorizer(http, new CredentialStore({ env, home }));
  let failure: unknown;
  for (const endpoint of endpointsFor(host, { mirrors: new Map(), insecure: settings.insecure })) {
    const door = new PushConnection(http, authorizer, endpoint);
    try {
      await door.enter(signal);
      return door;
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

/** One endpoint of a registry. */
export class PushConnection {
  readonly origin: string;
  readonly #http: HttpClient;
  readonly #authorizer: Authorizer;
  readonly #endpoint: Endpoint;

  constructor(http: HttpClient, authorizer: Authorizer, endpoint: Endpoint) {
    this.origin = endpoint.base.origin;
    this.#http = http;
    this.#authorizer = authorizer;
    this.#endpoint = endpoint;
  }

  /** Asks for nothing but to be let in: a wrong password is said once here, and not for every repository. */
  async enter(signal: AbortSignal): Promise<void> {
    const { host } = this.#endpoint.base;
    const resource = { ...this.resource("", ""), scope: "" };
    const answer = await this.send(resource, { method: "GET", url: this.url(""), headers: {} }, signal);
    // A registry that lets nobody in without a repository in mind says so with a token that is good for nothing.
    const isDenied =
      answer.status === 401 && this.#authorizer.knownHeader(resource)?.startsWith("Bearer") !== true;
    if (isDenied || answer.status === 403 || answer.status >= 500) {
      throw await this.refusal(resource, answer, "cannot be entered");
    }
    if (answer.status === 404) {
      throw new ViolaError("REGISTRY_ANSWER_INVALID", `${host} is no container registry (404 for /v2/)`, {
        subject: host,
        hint: "Check host and port; what follows them is the folder to push into, and not the registry's own path.",
      });
    }
  }

  /**
   * Sends a request, with what the registry wants to see of us. Returns any answer. Throws `REGISTRY_UNAVAILABLE` when there is none, and
   * `REGISTRY_AUTH` when a token server refuses.
   */
  async send(
    resource: Resource,
    { url, headers, open, body, ...ask }: Ask,
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
          },
          ANSWER_LIMIT_BYTES,
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
        throw this.#error("REGISTRY_UNAVAILABLE", resource, "cannot be reached", cause.message, cause);
      }
      if (cause instanceof AuthorizationFailure) {
        const isPassing = cause.status !== undefined && codeOfStatus(cause.status) === "REGISTRY_UNAVAILABLE";
        const note = await this.#credentialNote(resource);
        throw this.#error(
          isPassing ? "REGISTRY_UNAVAILABLE" : "REGISTRY_AUTH",
          resource,
          "denies",
          cause.message,
          cause,
          note,
        );
      }
      throw cause;
    }
  }

  /** Returns the error for an answer that is a refusal of `what`. */
  async refusal(resource: Resource, answer: HttpAnswer, what: string): Promise<ViolaError> {
    const code = codeOfStatus(answer.status);
    const known = code === "IMAGE_NOT_FOUND" ? "REGISTRY_ANSWER_INVALID" : code;
    const text = describeAnswer(answer.status, answer.body);
    const note = code === "REGISTRY_AUTH" ? await this.#credentialNote(resource) : HINTS[answer.status];
    return this.#error(known, resource, what, text, undefined, note);
  }

  #error(
    code: ErrorCode,
    { repository }: Resource,
    what: string,
    answer: string,
    cause?: unknown,
    note?: string,
  ): ViolaError {
    const { base } = this.#endpoint;
    const name = repository === "" ? base.host : `${base.host}/${repository}`;
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

  /** What is to be authorized for writing to a repository; `more` is a further scope, such as reading another. */
  resource(repository: string, more?: string): Resource {
    const { base, credentialHost, insecure } = this.#endpoint;
    const scope = [`repository:${repository}:pull,push`, ...(more === undefined ? [] : [more])].join(" ");
    return { base, repository, credentialHost, insecure, scope };
  }

  /** Returns the URL of `/v2/PATH`. */
  url(path: string): URL {
    return new URL(`/v2/${path}`, this.#endpoint.base);
  }

  /** Where an upload goes on. Behind a proxy that ends TLS, registries take themselves to be plain: their word is not taken for that. */
  locationOf(answer: HttpAnswer): URL {
    const { base } = this.#endpoint;
    const url = new URL(answer.headers["location"] ?? "", answer.url);
    return url.hostname === base.hostname ? new URL(url.pathname + url.search, base) : url;
  }

  /** Closes idle connections. */
  async close(): Promise<void> {
    await this.#http.close();
  }
}
