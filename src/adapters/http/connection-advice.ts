// What to do about a connection that failed, by the reason of the failure.

/** A failed connection. See `ConnectionFailure`. */
interface FailedConnection {
  readonly code: string;
  readonly message: string;
  readonly url: URL;
}

/** By the beginning of an error code of Node.js, OpenSSL or `proxyCode`. `HOST` is the server's. */
const BY_CODE: readonly (readonly [RegExp, string])[] = [
  [/^PROXY_407$/, "The proxy wants a login: write USER:PASSWORD@ before its host in HTTPS_PROXY."],
  [/^PROXY_/, "The proxy refused the connection to HOST. Ask its operator, or add HOST to NO_PROXY."],
  [
    /^ERR_SSL_.*ALERT|HANDSHAKE_FAILURE/,
    "HOST may require a client certificate: write it to /etc/docker/certs.d/HOST/client.cert, and its key to client.key.",
  ],
  [
    /^CERT_(?:HAS_EXPIRED|NOT_YET_VALID)$/,
    "Check the clock of this machine, and the certificate of HOST. If it can be trusted all the same, add HOST to insecure in the settings.",
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    "Use a name that the certificate is for, or add HOST to insecure in the settings.",
  ],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)/,
    "Set ca in the settings to the certificate of the authority that HOST has its certificate from, or that a proxy of the network has. To skip the check, add HOST to insecure.",
  ],
  [
    /^(?:EPROTO|ERR_SSL_)/,
    "HOST does not speak TLS at this port. Check the port. For plain HTTP, add HOST to insecure in the settings.",
  ],
  [
    /^(?:ENOTFOUND|EAI_)/,
    "Check the name and the DNS of this machine, set a mirror in the settings, or set a proxy in HTTPS_PROXY.",
  ],
  [/^HPE_/, "The server does not speak HTTP at this port. Check the port, and whether it is one for TLS."],
  [
    /^ETIMEDOUT$/,
    "Check that no firewall blocks HOST, set a proxy in HTTPS_PROXY or a mirror in the settings, or set a longer stallTimeout for a slow server.",
  ],
];
const OTHERWISE =
  "Check that it can be reached from here, set a mirror, ca or insecure in the settings, or set a proxy in HTTPS_PROXY.";
const OF_PROXY = "Check the address in HTTPS_PROXY or HTTP_PROXY, and that the proxy runs.";

/** Returns the code of a proxy's refusal. */
export function proxyCode(status: number): string {
  return `PROXY_${status}`;
}

/** Returns what to do, as one or two sentences. */
export function connectionAdvice({ code, message, url }: FailedConnection): string {
  const [, advice] = BY_CODE.find(([pattern]) => pattern.test(code)) ?? [];
  if (!code.startsWith("PROXY_") && message.startsWith("proxy ")) return OF_PROXY;
  return (advice ?? OTHERWISE).replaceAll("HOST", url.host);
}
