// What decides how a server is reached, as plain data that can be handed to another thread.

/** Headers of every request. A digest is that of the bytes as stored, so that no encoding is wanted on the way. */
export const BASE_HEADERS = { "user-agent": "viola-airgap", "accept-encoding": "identity" } as const;

/** How servers are reached. */
export interface HttpSettings {
  /** PEM texts of certificates that the user's settings name; they are trusted in addition to the system's. */
  readonly ca: readonly string[];
  /** Hosts, with port where the URL has one, whose certificate is not checked. */
  readonly insecure: ReadonlySet<string>;
  /** The environment: proxies, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE and SSL_CERT_DIR are read from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folders like /etc/docker/certs.d; those of Docker and Podman unless given. */
  readonly certificateFolders?: readonly string[];
}

/** Returns what the user's settings and the environment say about reaching servers. */
export function httpSettings(
  {
    ca,
    insecure,
  }: { readonly ca: readonly { readonly pem: string }[]; readonly insecure: ReadonlySet<string> },
  env: HttpSettings["env"],
): HttpSettings {
  return {
    ca: ca.map(({ pem }) => pem),
    // As URLs write hosts: without a default port.
    insecure: new Set([...insecure].map((host) => new URL(`https://${host}`).host)),
    env: { ...env },
  };
}
