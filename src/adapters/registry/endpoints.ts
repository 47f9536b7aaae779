// Lists the endpoints of a registry: its mirrors in order, then the registry itself.
import type { Settings } from "../files/user-settings.js";
import type { Resource } from "./auth.js";
import { isLoopback } from "../http/proxy.js";

/** A server that may have the content of a repository. */
export interface Endpoint {
  /** Scheme, host and port. */
  readonly base: URL;
  /** The prefix of the repository: empty, or for example `quay.io/`. */
  readonly prefix: string;
  /** The registry behind a mirror, sent as `?ns=` as containerd does. */
  readonly namespace?: string;
  /** The host in the keys of its credentials. A mirror never gets those of the registry behind it. */
  readonly credentialHost: string;
  /** True when its certificate is not checked. */
  readonly insecure: boolean;
  /**
   * True for plain HTTP. It is used only when HTTPS on the same host, the preceding endpoint, cannot
   * be reached.
   */
  readonly fallback: boolean;
}

const DOCKER_HUB_API = "registry-1.docker.io";

/** Lists the endpoints for a registry host in the order in which to try them. */
export function endpointsFor(
  registry: string,
  settings: Pick<Settings, "mirrors" | "insecure">,
): readonly Endpoint[] {
  const rule = settings.mirrors.get(registry) ?? settings.mirrors.get("*");
  const mirrors = (rule?.endpoints ?? []).flatMap((text) =>
    mirrorEndpoints(text, registry, settings.insecure),
  );
  return rule?.only === true ? mirrors : [...mirrors, ...registryEndpoints(registry, settings.insecure)];
}

/** The endpoints of a run. Their order depends on earlier responses. */
export class EndpointOrder {
  readonly #settings: Pick<Settings, "mirrors" | "insecure">;
  /** The endpoint of the last successful request, by repository. It probably has the blobs too. */
  readonly #proven = new Map<string, string>();
  /** Hosts that use plain HTTP. */
  readonly #plainHosts = new Set<string>();

  constructor(settings: Pick<Settings, "mirrors" | "insecure">) {
    this.#settings = settings;
  }

  /** Lists the endpoints for a repository. One that had its content before comes first. */
  list(registry: string, repository: string): readonly Endpoint[] {
    const all = endpointsFor(registry, this.#settings).flatMap((endpoint) => {
      if (isMirror(endpoint) || !this.#plainHosts.has(endpoint.base.host)) return [endpoint];
      return endpoint.fallback ? [{ ...endpoint, fallback: false }] : [];
    });
    const proven = this.#proven.get(`${registry}/${repository}`);
    const isProven = (endpoint: Endpoint): boolean => nameOf(endpoint) === proven;
    return [...all.filter(isProven), ...all.filter((endpoint) => !isProven(endpoint))];
  }

  /** Records that the endpoint responded, with any status. */
  noteAnswer(endpoint: Endpoint): void {
    if (endpoint.fallback) this.#plainHosts.add(endpoint.base.host);
  }

  /** Records that the endpoint had the content. */
  noteContent(endpoint: Endpoint, registry: string, repository: string): void {
    this.#proven.set(`${registry}/${repository}`, nameOf(endpoint));
  }
}

/**
 * Returns the URL of `/v2/REPOSITORY/WHAT` at the endpoint. `what` is `manifests/TAG`,
 * `manifests/DIGEST` or `blobs/DIGEST`.
 */
export function urlAt(endpoint: Endpoint, repository: string, what: string): URL {
  const url = new URL(`/v2/${endpoint.prefix}${repository}/${what}`, endpoint.base);
  if (endpoint.namespace !== undefined) url.searchParams.set("ns", endpoint.namespace);
  return url;
}

/** Returns the URL of `/v2/PATH`. */
export function urlOfApi(base: URL, path: string): URL {
  return new URL(`/v2/${path}`, base);
}

/** Returns the resource to authorize for a repository at the endpoint. */
export function resourceAt(endpoint: Endpoint, repository: string): Resource {
  const { base, prefix, credentialHost, insecure } = endpoint;
  return { base, repository: prefix + repository, credentialHost, insecure };
}

/** True for a mirror, false for the registry itself. */
export function isMirror({ namespace }: Endpoint): boolean {
  return namespace !== undefined;
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
 * Lists the endpoints of the registry itself: HTTPS, and then plain HTTP for loopback hosts (as
 * containerd does) and for insecure hosts of the settings. The certificates of insecure hosts are
 * not checked.
 */
function registryEndpoints(registry: string, insecureHosts: ReadonlySet<string>): readonly Endpoint[] {
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
