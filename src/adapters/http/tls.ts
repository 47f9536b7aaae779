// TLS settings of connections to registries and file servers.

/** How to reach a server over TLS. */
export interface TlsSettings {
  /** PEM certificates to trust besides the system's. */
  readonly ca?: readonly string[];
  readonly rejectUnauthorized: boolean;
}
