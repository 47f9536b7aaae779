// Where the content of a registry is to be had: its mirrors in their order, then itself.
import type { Settings } from "../files/user-settings.js";
import type { Resource } from "./auth.js";
import { isLoopback } from "../http/proxy.js";

/** One place that may have what is asked for. */
export interface Endpoint {
  /** Scheme, host and port. */
  readonly base: URL;
  /** Stands before the repository: empty, or `quay.io/`. */
  readonly prefix: string;
  /** The registry that a mirror is asked on behalf of, sent as `?ns=` as containerd does. */
  readonly namespace?: string;
  /** Host under which credentials for it are kept. A mirror never gets those of the registry behind it. */
  readonly credentialHost: string;
  /** True when its certificate is not checked. */
  readonly insecure: boolean;
  /** True for the plain HTTP side of a host, which is asked only when its HTTPS side, just before it in the list, cannot be reached. */
  readonly fallback: boolean;
}

const DOCKER_HUB_API = "registry-1.docker.io";

/** Lists the endpoints for a registry host in the order in which they are to be asked. */
export function endpointsFor(
  registry: string,
  settings: Pick<Settings, "mirrors" | "insecure">,
): readonly Endpoint[] {
  const rule = settings.mirrors.get(registry) ?? settings.mirrors.get("*");
  const mirrors = (rule?.endpoints ?? []).flatMap((text) =>
    mirrorEndpoints(text, registry, settings.insecure),
  );
  return rule?.only === true ? mirrors : [...mirrors, ...ownEndpoints(registry, settings.insecure)];
}

/** The endpoints of one run, in an order that learns from their answers. */
export class EndpointOrder {
  readonly #settings: Pick<Settings, "mirrors" | "insecure">;
  /** The endpoint that answered last, by repository: its blobs are likely to be there too. */
  readonly #proven = new Map<string, string>();
  /** Hosts that turned out to speak plain HTTP. */
  readonly #plainHosts = new Set<string>();

  constructor(settings: Pick<Settings, "mirrors" | "insecure">) {
    this.#settings = settings;
  }

  /** Lists the endpoints for a repository, the one that had something of it first. */
  list(registry: string, repository: string): readonly Endpoint[] {
    const all = endpointsFor(registry, this.#settings).flatMap((endpoint) => {
      const isMirror = endpoint.namespace !== undefined;
      if (isMirror || !this.#plainHosts.has(endpoint.base.host)) return [endpoint];
      return endpoint.fallback ? [{ ...endpoint, fallback: false }] : [];
    });
    const proven = this.#proven.get(`${registry}/${repository}`);
    const isProven = (endpoint: Endpoint): boolean => nameOf(endpoint) === proven;
    return [...all.filter(isProven), ...all.filter((endpoint) => !isProven(endpoint))];
  }

  /** Remembers that the endpoint answered, whatever it was. */
  noteAnswer(endpoint: Endpoint): void {
    if (endpoint.fallback) this.#plainHosts.add(endpoint.base.host);
  }

  /** Remembers that the endpoint had what was asked for. */
  noteContent(endpoint: Endpoint, registry: string, repository: string): void {
    this.#proven.set(`${registry}/${repository}`, nameOf(endpoint));
  }
}

/** Returns the URL of `/v2/REPOSITORY/WHAT` at the endpoint; `what` is `manifests/TAG`, `manifests/DIGEST` or `blobs/DIGEST`. */
export function urlAt(endpoint: Endpoint, repository: string, what: string): URL {
  const url = new URL(`/v2/${endpoint.prefix}${repository}/${what}`, endpoint.base);
  if (endpoint.namespace !== undefined) url.searchParams.set("ns", endpoint.namespace);
  return url;
}

/** Returns the URL of `/v2/PATH`. */
export function urlOfApi(base: URL, path: string): URL {
  return new URL(`/v2/${path}`, base);
}

/** Returns what is to be authorized for a repository at the endpoint. */
export function resourceAt(endpoint: Endpoint, repository: string): Resource {
  const { base, prefix, credentialHost, insecure } = endpoint;
  return { base, repository: prefix + repository, credentialHost, insecure };
}

function nameOf({ base, prefix }: Endpoint): string {
  return `${base.origin}/${prefix}`;
}

function mirrorEndpoints(text: string, registry: string, insecure: ReadonlySet<string>): readonly Endpoint[] {
  const url = new URL(text.replaceAll("{registry}", registry));
  const path = url.pathname.replace(/^\/+|\/+$/g, "");
  return [
    {
      base: new URL(url.origin),
      prefix: path === "" ? "" : `${path}/`,
      namespace: registry,
      credentialHost: url.host,
      insecure: insecure.has(url.host),
      fallback: false,
    },
  ];
}

/**
 * The registry itself: HTTPS with a checked certificate. Plain HTTP comes second, and only for this machine's own ports (as containerd has it) and
 * for hosts that the user calls insecure, whose certificate is not checked either.
 */
function ownEndpoints(registry: string, insecureHosts: ReadonlySet<string>): readonly Endpoint[] {
  const host = registry === "docker.io" ? DOCKER_HUB_API : registry;
  const insecure = insecureHosts.has(host) || insecureHosts.has(registry);
  const at = (scheme: string, fallback: boolean): Endpoint => ({
    base: new URL(`${scheme}://${host}`),
    prefix: "",
    credentialHost: registry,
    insecure,
    fallback,
  });
  const mayBePlain = insecure || isLoopback(new URL(`http://${host}`).hostname);
  return mayBePlain ? [at("https", false), at("http", true)] : [at("https", false)];
}
