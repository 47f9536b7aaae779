// Gets past a 401: Basic, or a bearer token from the token server that the registry names.
import { BlockList, isIP } from "node:net";
import { z } from "zod";
import type { Credential, CredentialStore } from "./credentials.js";
import type { HttpAnswer, HttpClient } from "../http/client.js";
import { isLoopback } from "../http/proxy.js";
import { readJson } from "../../core/parse-json.js";

/** What is to be read or written, as far as authorization is concerned. */
export interface Resource {
  /** Base URL of the registry or mirror. */
  readonly base: URL;
  /** Repository as that server knows it, with the mirror's prefix. */
  readonly repository: string;
  /** Host under which credentials for it are kept. */
  readonly credentialHost: string;
  /** True when its certificate is not checked, so that plain HTTP is no worse. */
  readonly insecure: boolean;
  /** What is to be done there, as scopes of a token, when it is more than reading the repository. */
  readonly scope?: string;
}

/** Why no authorization is to be had: the message is safe to show, `status` is what a token server answered. */
export class AuthorizationFailure extends Error {
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

const TOKEN_ANSWER_LIMIT_BYTES = 64 * 1024;
/** "If omitted, this defaults to 60 seconds", and no token is taken to live shorter than that, as in Docker and skopeo. */
const SHORTEST_LIFETIME_SECONDS = 60;
/** A token is used no more when it is this near to its end. */
const MARGIN_MS = 5_000;
const CLIENT_ID = "viola-airgap";

/**
 * Only the token matters. What is null, empty or of another type counts as absent, as it does for containerd and skopeo.
 * https://distribution.github.io/distribution/spec/auth/token/#token-response-fields
 */
const tokenSchema = z.object({
  token: z.string().min(1).optional().catch(undefined),
  access_token: z.string().min(1).optional().catch(undefined),
  expires_in: z.coerce.number().optional().catch(undefined),
});

/** What a token is asked for, and where. */
interface TokenRequest {
  readonly realm: URL;
  readonly service: string;
  /** Several with blanks between. */
  readonly scope: string;
}

interface Grant {
  readonly header: string;
  readonly expires: number;
}

/** Knows what to send as Authorization, per server and repository. Tokens live in memory only. */
export class Authorizer {
  readonly #http: HttpClient;
  readonly #credentials: Pick<CredentialStore, "find">;
  readonly #onNote: ((message: string) => void) | undefined;
  /** By server and repository. */
  readonly #grants = new Map<string, Grant>();
  /** Credentials that were refused, by host and origin. */
  readonly #refused = new Set<string>();
  /** Token requests under way, by realm, service, scope and user. */
  readonly #pending = new Map<string, Promise<Grant>>();

  /** `onNote` is told once of every credential that a token server refuses while it lets everybody read. */
  constructor(
    http: HttpClient,
    credentials: Pick<CredentialStore, "find">,
    onNote?: (message: string) => void,
  ) {
    this.#http = http;
    this.#credentials = credentials;
    this.#onNote = onNote;
  }

  /** Returns the Authorization header that worked before and is still good, or undefined. */
  knownHeader(resource: Resource): string | undefined {
    const grant = this.#grants.get(keyOf(resource));
    return grant !== undefined && grant.expires > Date.now() ? grant.header : undefined;
  }

  /** Returns where the credentials for the resource come from, or undefined when there are none. */
  async findCredentialOrigin(resource: Resource): Promise<string | undefined> {
    return (await this.#findCredential(resource))?.from;
  }

  /**
   * Answers a 401 to a request that carried `sent`: returns the Authorization header to try next, or undefined when there is nothing else to try.
   * Throws `AuthorizationFailure` when the token server refuses or must not be trusted, `ConnectionFailure` when it does not answer.
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
        : await this.#token(resource, bearer, credential, sent, signal);
    if (grant === undefined || grant.header === sent) return undefined;
    this.#grants.set(keyOf(resource), grant);
    return grant.header;
  }

  #noteRefused({ credentialHost }: Resource, { from }: Credential): void {
    const key = `${credentialHost} ${from}`;
    if (this.#refused.has(key)) return;
    this.#refused.add(key);
    this.#onNote?.(
      `${credentialHost} refuses the credentials from ${from}; what it lets everybody read is read without them`,
    );
  }

  #findCredential({ credentialHost, repository }: Resource): Promise<Credential | undefined> {
    return this.#credentials.find(credentialHost, repository);
  }

  #token(
    resource: Resource,
    challenge: Challenge,
    credential: Credential | undefined,
    sent: string | undefined,
    signal: AbortSignal,
  ): Promise<Grant> {
    const { realm = "", service = "" } = challenge.parameters;
    // Writing begins with asking for all that it needs; a registry that refused that names what it wants instead.
    const asked = challenge.parameters["scope"];
    const scope =
      (sent === undefined ? resource.scope : undefined) ??
      asked ??
      resource.scope ??
      `repository:${resource.repository}:pull`;
    const url = checkRealm(realm, resource);
    const key = [url.href, service, scope, credential?.from ?? "", sent ?? ""].join(" ");
    const pending =
      this.#pending.get(key) ??
      this.#requestToken({ realm: url, service, scope }, credential, signal)
        .catch(async (cause: unknown) => {
          // A password that has expired must not keep anybody from what is public.
          const isRefused = cause instanceof AuthorizationFailure && [401, 403].includes(cause.status ?? 0);
          if (!isRefused || credential === undefined || resource.scope !== undefined) throw cause;
          const grant = await this.#requestToken({ realm: url, service, scope }, undefined, signal).catch(
            () => {
              throw cause;
            },
          );
          this.#noteRefused(resource, credential);
          return grant;
        })
        .finally(() => this.#pending.delete(key));
    this.#pending.set(key, pending);
    return pending;
  }

  async #requestToken(
    { realm, service, scope }: TokenRequest,
    credential: Credential | undefined,
    signal: AbortSignal,
  ): Promise<Grant> {
    const asked = Date.now();
    const answer = await this.#askTokenServer({ realm, service, scope }, credential, signal);
    if (answer.status !== 200) {
      throw new AuthorizationFailure(
        `the token server ${realm.host} answered ${answer.status}`,
        answer.status,
      );
    }
    const body = answer.tooLong
      ? undefined
      : tokenSchema.safeParse(readJson(new TextDecoder().decode(answer.body))).data;
    // Both names are in use; where a server sends both they are the same.
    const token = body?.access_token ?? body?.token;
    if (token === undefined || /[\r\n]/.test(token)) {
      throw new AuthorizationFailure(`the token server ${realm.host} sent no token`);
    }
    const lifetime = Math.max(body?.expires_in ?? 0, SHORTEST_LIFETIME_SECONDS) * 1000;
    return { header: `Bearer ${token}`, expires: asked + Math.max(lifetime - MARGIN_MS, lifetime / 2) };
  }

  /** Identity tokens go by POST (OAuth 2), where the server knows that; everything else by GET, which all servers know. */
  async #askTokenServer(
    { realm, service, scope }: TokenRequest,
    credential: Credential | undefined,
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
      // "Not all token servers implement oauth2": https://distribution.github.io/distribution/spec/auth/oauth/. Artifactory says 401.
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

/** A registry that takes Basic takes it for good. An identity token goes with an empty user, as containerd sends it. */
function basicGrant(credential: Credential | undefined): Grant | undefined {
  if (credential === undefined) return undefined;
  const text =
    credential.kind === "identity" ? `:${credential.token}` : `${credential.user}:${credential.password}`;
  return { header: `Basic ${Buffer.from(text).toString("base64")}`, expires: Infinity };
}

/**
 * Returns the realm as URL when it may be told credentials. A registry that is reached over checked TLS may not send them over plain HTTP, and one
 * on the network may not send us to this machine or to private addresses (transport/bearer.go of go-containerregistry).
 */
function checkRealm(realm: string, { base, insecure }: Resource): URL {
  const refuse = (why: string): AuthorizationFailure =>
    new AuthorizationFailure(`its token server ${JSON.stringify(realm.slice(0, 200))} ${why}`);
  if (!URL.canParse(realm)) throw refuse("is no URL");
  const url = new URL(realm);
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    throw refuse("is no plain URL");
  if (url.protocol === "http:" && base.protocol === "https:" && !insecure)
    throw refuse("is not reached over TLS");
  if (isPrivate(url.hostname) && !isPrivate(base.hostname)) throw refuse("is at a private address");
  return url;
}

/** True for this machine's names and for addresses that are not on the internet (loopback, link-local, RFC 1918, RFC 4193). */
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

/** One way of authenticating that a server offers; scheme and parameter names are lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Characters of a header that are read. Searching a long one takes long. */
const LONGEST_CHALLENGE = 4_096;
const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

/** A parameter, or a scheme with white space behind it, or a scheme alone (RFC 9110, 11.6.1). */
const PART = `\\s*,?\\s*(?:(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))|(${TOKEN})(?=[\\s,]|$)(?!\\s*=))`;

/** Returns the challenges of a header in their order, several joined by commas included. What cannot be read ends the list. */
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
