// Answers a 401 with Basic authorization or with a bearer token of the registry's token server.
import { BlockList, isIP } from "node:net";
import * as z from "zod";
import type { Credential, CredentialStore } from "./credentials.js";
import type { HttpAnswer, HttpClient } from "../http/client.js";
import { isLoopback } from "../http/proxy.js";
import { readJson } from "../../core/parse-json.js";
import { codeOfStatus } from "./rejection.js";

/** A repository that a request needs authorization for. */
export interface Resource {
  /** Base URL of the registry or mirror. */
  readonly base: URL;
  /** The repository's name on that server, with the mirror's prefix. */
  readonly repository: string;
  /** The host in the keys of its credentials. */
  readonly credentialHost: string;
  /** True when its certificate is not checked. Plain HTTP is then allowed for its token server. */
  readonly insecure: boolean;
  /** The required token scopes, when more than pull access to the repository is required. */
  readonly scope?: string;
}

/** Authorization failed. The message contains no secrets. */
export class AuthorizationFailure extends Error {
  /** The response of the token server. */
  readonly status: number | undefined;
  /** What to do. Absent if other credentials may help. */
  readonly advice: string | undefined;

  constructor(message: string, { status, advice }: { readonly status?: number; readonly advice?: string }) {
    super(message);
    this.status = status;
    this.advice = advice;
  }
}

const TOKEN_SERVER_FAULT =
  "Check that no proxy or login page answers in the place of the token server, and ask the operator of the registry.";
const REALM_FAULT =
  "The configuration of the registry, or a proxy in front of it, is wrong. Ask its operator, or set a mirror in the settings.";

const TOKEN_ANSWER_LIMIT_BYTES = 64 * 1024;
/**
 * "If omitted, this defaults to 60 seconds". It is also the minimum, as in Docker and skopeo.
 * https://distribution.github.io/distribution/spec/auth/token/#token-response-fields
 */
const SHORTEST_LIFETIME_SECONDS = 60;
/** A token is not used when it expires within this time. */
const MARGIN_MS = 5_000;
const CLIENT_ID = "viola-airgap";

/**
 * A field that is null, empty or of another type counts as absent, as in containerd and skopeo.
 * https://distribution.github.io/distribution/spec/auth/token/#token-response-fields
 */
const tokenSchema = z.object({
  token: z.string().min(1).optional().catch(undefined),
  access_token: z.string().min(1).optional().catch(undefined),
  expires_in: z.coerce.number().optional().catch(undefined),
});

/** A request for a token. */
interface TokenRequest {
  readonly realm: URL;
  readonly service: string;
  /** One or more scopes, separated by spaces. */
  readonly scope: string;
  readonly credential: Credential | undefined;
}

/** A bearer challenge of a 401, the known credentials, and the header of the refused request. */
interface BearerChallenge {
  readonly challenge: Challenge;
  readonly credential: Credential | undefined;
  readonly sent: string | undefined;
}

interface Grant {
  readonly header: string;
  readonly expires: number;
}

/** Provides the Authorization header for a repository. Tokens are kept only in memory. */
export class Authorizer {
  readonly #http: HttpClient;
  readonly #credentials: Pick<CredentialStore, "find">;
  readonly #onNote: ((message: string) => void) | undefined;
  /** By server and repository. */
  readonly #grants = new Map<string, Grant>();
  /** Rejected credentials, by host and origin. */
  readonly #refused = new Set<string>();
  /** Pending token requests, by realm, service, scope and credentials. */
  readonly #pending = new Map<string, Promise<Grant>>();

  /**
   * `onNote` is called once for each credential that a token server rejects although it grants
   * anonymous access.
   */
  constructor(
    http: HttpClient,
    credentials: Pick<CredentialStore, "find">,
    onNote?: (message: string) => void,
  ) {
    this.#http = http;
    this.#credentials = credentials;
    this.#onNote = onNote;
  }

  /** Returns the Authorization header of an earlier request if it is still valid. */
  knownHeader(resource: Resource): string | undefined {
    const grant = this.#grants.get(keyOf(resource));
    return grant !== undefined && grant.expires > Date.now() ? grant.header : undefined;
  }

  /** Returns the origin of the credentials for the resource, or undefined when there are none. */
  async findCredentialOrigin(resource: Resource): Promise<string | undefined> {
    return (await this.#findCredential(resource))?.from;
  }

  /**
   * Returns the Authorization header to send after a 401, or undefined when there is no other one.
   * `sent` is the header of the request, and `header` is WWW-Authenticate of the response.
   * Throws `AuthorizationFailure` when the token server refuses the request or must not be trusted,
   * and `ConnectionFailure` when it does not respond.
   */
  async answer(
    resource: Resource,
    header: string | undefined,
    sent: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const fresh = this.knownHeader(resource);
    if (fresh !== undefined && fresh !== sent) return fresh;
    const challenges = parseChallenges(header ?? "");
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    const basic = challenges.some(({ scheme }) => scheme === "basic");
    if (bearer === undefined && !basic) return undefined;

    const credential = await this.#findCredential(resource);
    const grant =
      bearer === undefined
        ? basicGrant(credential)
        : await this.#token(resource, { challenge: bearer, credential, sent }, signal);
    if (grant === undefined || grant.header === sent) return undefined;
    this.#grants.set(keyOf(resource), grant);
    return grant.header;
  }

  #noteRefused({ credentialHost }: Resource, { from }: Credential): void {
    const key = `${credentialHost} ${from}`;
    if (this.#refused.has(key)) return;
    this.#refused.add(key);
    this.#onNote?.(
      `${credentialHost} rejected the credentials from ${from}; public repositories are read without them`,
    );
  }

  #findCredential({ credentialHost, repository }: Resource): Promise<Credential | undefined> {
    return this.#credentials.find(credentialHost, repository);
  }

  #token(
    resource: Resource,
    { challenge, credential, sent }: BearerChallenge,
    signal: AbortSignal,
  ): Promise<Grant> {
    const { realm: realmText = "", service = "", scope: requiredScope } = challenge.parameters;
    // The first request asks for all scopes that a push needs. After a refusal, it asks for those
    // that the registry requires.
    const scope =
      (sent === undefined ? resource.scope : undefined) ??
      requiredScope ??
      resource.scope ??
      `repository:${resource.repository}:pull`;
    const realm = checkRealm(realmText, resource);
    const key = [realm.href, service, scope, credential?.from ?? "", sent ?? ""].join(" ");
    const request: TokenRequest = { realm, service, scope, credential };
    const pending =
      this.#pending.get(key) ??
      this.#requestToken(request, signal)
        .catch(async (cause: unknown) => {
          // Public repositories must be readable even when the saved credentials are invalid.
          const isRefused = cause instanceof AuthorizationFailure && [401, 403].includes(cause.status ?? 0);
          if (!isRefused || credential === undefined || resource.scope !== undefined) throw cause;
          const grant = await this.#requestToken({ ...request, credential: undefined }, signal).catch(() => {
            throw cause;
          });
          this.#noteRefused(resource, credential);
          return grant;
        })
        .finally(() => this.#pending.delete(key));
    this.#pending.set(key, pending);
    return pending;
  }

  async #requestToken(request: TokenRequest, signal: AbortSignal): Promise<Grant> {
    const { realm } = request;
    const requestedAt = Date.now();
    const answer = await this.#sendTokenRequest(request, signal);
    if (answer.status !== 200) {
      const { status } = answer;
      // Without credentials, some servers respond with 400.
      const isDenied = [400, 401, 403].includes(status);
      throw new AuthorizationFailure(`the token server ${realm.host} responded with ${status}`, {
        status,
        ...(!isDenied &&
          codeOfStatus(status) !== "REGISTRY_UNAVAILABLE" && {
            advice: TOKEN_SERVER_FAULT,
          }),
      });
    }
    const body = answer.tooLong
      ? undefined
      : tokenSchema.safeParse(readJson(new TextDecoder().decode(answer.body))).data;
    // Servers use either name. When both are present, they have the same value.
    const token = body?.access_token ?? body?.token;
    if (token === undefined || /[\r\n]/.test(token)) {
      throw new AuthorizationFailure(`the token server ${realm.host} sent no token`, {
        advice: TOKEN_SERVER_FAULT,
      });
    }
    const lifetime = Math.max(body?.expires_in ?? 0, SHORTEST_LIFETIME_SECONDS) * 1000;
    return {
      header: `Bearer ${token}`,
      expires: requestedAt + Math.max(lifetime - MARGIN_MS, lifetime / 2),
    };
  }

  /** Sends identity tokens with POST (OAuth 2) if the server supports it. All servers support GET. */
  async #sendTokenRequest(
    { realm, service, scope, credential }: TokenRequest,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const limitBytes = TOKEN_ANSWER_LIMIT_BYTES;
    if (credential?.kind === "identity") {
      const form = {
        grant_type: "refresh_token",
        service,
        scope,
        client_id: CLIENT_ID,
        refresh_token: credential.token,
      };
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const body = new URLSearchParams(form).toString();
      const answer = await this.#http.send({ method: "POST", url: realm, headers, body }, limitBytes, signal);
      // "Not all token servers implement oauth2". Artifactory responds with 401.
      // https://distribution.github.io/distribution/spec/auth/oauth/
      if (![401, 404, 405].includes(answer.status)) return answer;
    }
    const url = new URL(realm);
    if (service !== "") url.searchParams.set("service", service);
    for (const one of scope.split(" ").filter((part) => part !== "")) url.searchParams.append("scope", one);
    const authorization = basicGrant(credential)?.header;
    const headers = authorization === undefined ? {} : { authorization };
    return this.#http.send({ method: "GET", url, headers }, limitBytes, signal);
  }
}

/** Basic credentials do not expire. An identity token has an empty user, as in containerd. */
function basicGrant(credential: Credential | undefined): Grant | undefined {
  if (credential === undefined) return undefined;
  const text =
    credential.kind === "identity" ? `:${credential.token}` : `${credential.user}:${credential.password}`;
  return {
    header: `Basic ${Buffer.from(text).toString("base64")}`,
    expires: Infinity,
  };
}

/**
 * Returns the realm as URL when it may receive credentials. A registry with a checked certificate
 * must not redirect them to plain HTTP, and a registry on the network must not redirect them to this
 * machine or to private addresses (transport/bearer.go of go-containerregistry).
 * Throws `AuthorizationFailure`.
 */
function checkRealm(realm: string, { base, insecure }: Resource): URL {
  const refuse = (why: string, advice = REALM_FAULT): AuthorizationFailure =>
    new AuthorizationFailure(`its token server ${JSON.stringify(realm.slice(0, 200))} ${why}`, { advice });
  if (!URL.canParse(realm)) throw refuse("is not a URL");
  const url = new URL(realm);
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    throw refuse("is not an http(s) URL without credentials");
  if (url.protocol === "http:" && base.protocol === "https:" && !insecure)
    throw refuse(
      "does not use TLS",
      `If the network can be trusted, add ${base.host} to insecure in the settings.`,
    );
  if (isPrivate(url.hostname) && !isPrivate(base.hostname))
    throw refuse(
      "has a private address",
      "Refer to the registry by its address in that network, or ask its operator to correct the address of the token server.",
    );
  return url;
}

/** True for loopback names, and for loopback, link-local and private addresses (RFC 1918, RFC 4193). */
function isPrivate(hostname: string): boolean {
  if (isLoopback(hostname)) return true;
  const address = hostname.replace(/^\[|\]$/g, "");
  const family = isIP(address);
  if (family === 0) return false;
  const list = new BlockList();
  for (const [net, prefix] of [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.168.0.0", 16],
  ] as const) {
    list.addSubnet(net, prefix, "ipv4");
  }
  for (const [net, prefix] of [
    ["::", 127],
    ["fc00::", 7],
    ["fe80::", 10],
  ] as const)
    list.addSubnet(net, prefix, "ipv6");
  return list.check(address, family === 6 ? "ipv6" : "ipv4");
}

function keyOf({ base, repository, scope }: Resource): string {
  return `${base.origin} ${repository} ${scope ?? ""}`;
}

/** A challenge of WWW-Authenticate. Scheme and parameter names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Characters of a header that are read. Searching a long one takes long. */
const LONGEST_CHALLENGE = 4_096;
const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

/** A parameter, or a scheme followed by white space, a comma or the end (RFC 9110, 11.6.1). */
const PART = `\\s*,?\\s*(?:(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))|(${TOKEN})(?=[\\s,]|$)(?!\\s*=))`;

/** Parses the challenges of a header, in order. The list ends at the first invalid part. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const searched = header.slice(0, LONGEST_CHALLENGE);
  for (const [, name, quoted, bare, scheme] of searched.matchAll(new RegExp(PART, "gy"))) {
    if (scheme !== undefined) {
      challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    } else if (name !== undefined) {
      const current = challenges.at(-1);
      if (current === undefined) return [];
      current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
    }
  }
  return challenges;
}
