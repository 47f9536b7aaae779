// The settings of connections, as plain data that can be sent to a worker thread.

/** Headers of every request. Encodings are refused, because a digest is of the bytes as stored. */
export const BASE_HEADERS = { "user-agent": "viola-airgap", "accept-encoding": "identity" } as const;

/** The settings of connections. */
export interface HttpSettings {
  /** Certificates of the user's settings in PEM format, trusted in addition to the system's. */
  readonly ca: readonly string[];
  /** Hosts whose certificate is not checked, with the port when a URL has one. */
  readonly insecure: ReadonlySet<string>;
  /** The environment, for proxies, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE and SSL_CERT_DIR. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long a connection may transfer no data. See `DEFAULT_STALL_TIMEOUT_MS`. */
  readonly stallTimeoutMs?: number;
  /** Folders such as /etc/docker/certs.d. The default is those of Docker and Podman. */
  readonly certificateFolders?: readonly string[];
}

/** Returns the connection settings in the user's settings and the environment. */
export function httpSettings(
  {
    ca,
    insecure,
    stallTimeoutMs,
  }: {
    readonly ca: readonly { readonly pem: string }[];
    readonly insecure: ReadonlySet<string>;
    readonly stallTimeoutMs?: number;
  },
  env: HttpSettings["env"],
): HttpSettings {
  return {
    ...(stallTimeoutMs !== undefined && { stallTimeoutMs }),
    ca: ca.map(({ pem }) => pem),
    // As in `URL.host`, without the default port.
    insecure: new Set([...insecure].map((host) => new URL(`https://${host}`).host)),
    env: { ...env },
  };
}
