// The certificates that a connection trusts and presents. It trusts those of the settings, of
// Node.js, of the system and of the host.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as tls from "node:tls";
import { ViolaError } from "../../errors.js";
import type { HttpSettings } from "./settings.js";

/** Options of `tls.connect` for one server. */
export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly secureContext: tls.SecureContext;
}

/** The PEM files of a client certificate and its key. */
interface ClientCertificate {
  readonly file: string;
  readonly keyFile: string;
}

/** Certificate files of Linux distributions: https://go.dev/src/crypto/x509/root_linux.go */
const SYSTEM_FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g;
const DOCKER_HUB_API = "registry-1.docker.io";

/** Available since Node.js 22.15. It is the only source of the system's certificates outside Linux. */
const { getCACertificates } = tls as {
  readonly getCACertificates?: (type: "system") => readonly string[];
};

/**
 * The certificates of one run. Files are read once, on first use. The parsed store is kept, because
 * OpenSSL takes tens of milliseconds to parse it.
 */
export class Certificates {
  readonly #settings: HttpSettings;
  readonly #options = new Map<string, TlsOptions>();
  #shared: readonly string[] | undefined;
  #sharedContext: tls.SecureContext | undefined;

  constructor(settings: HttpSettings) {
    this.#settings = settings;
  }

  /**
   * Returns the options for a connection to the host of the URL. Throws `SETTINGS_INVALID` for an
   * unusable client certificate.
   */
  optionsFor(url: URL): TlsOptions {
    const options = this.#options.get(url.host) ?? {
      rejectUnauthorized: !this.#settings.insecure.has(url.host),
      secureContext: this.#contextFor(url),
    };
    this.#options.set(url.host, options);
    return options;
  }

  /** Lists all trusted certificates for the host of the URL, in PEM format. */
  trustedFor(url: URL): readonly string[] {
    return distinct([
      ...this.#sharedCertificates(),
      ...this.#hostFiles(url, ".crt").flatMap(readCertificates),
    ]);
  }

  /** Lists the trusted certificates for the host that other programs do not trust by default. */
  addedFor(url: URL): readonly string[] {
    const { ca, env } = this.#settings;
    return distinct([
      ...ca.flatMap(splitCertificates),
      ...readCertificates(env["NODE_EXTRA_CA_CERTS"]),
      ...this.#hostFiles(url, ".crt").flatMap(readCertificates),
    ]);
  }

  /** Returns the client certificate for the host of the URL, or undefined when there is none. */
  clientCertificateFor(url: URL): ClientCertificate | undefined {
    const [file] = this.#hostFiles(url, ".cert");
    return file === undefined ? undefined : { file, keyFile: file.replace(/\.cert$/, ".key") };
  }

  #contextFor(url: URL): tls.SecureContext {
    const client = this.clientCertificateFor(url);
    if (client === undefined && this.#hostFiles(url, ".crt").length === 0) {
      return (this.#sharedContext ??= tls.createSecureContext({ ca: [...this.#sharedCertificates()] }));
    }
    const ca = [...this.trustedFor(url)];
    if (client === undefined) return tls.createSecureContext({ ca });
    try {
      return tls.createSecureContext({
        ca,
        cert: readFileSync(client.file),
        key: readFileSync(client.keyFile),
      });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ViolaError(
        "SETTINGS_INVALID",
        `the client certificate ${client.file} cannot be used: ${why}`,
        {
          subject: client.file,
          hint: `Write the key of the certificate to ${client.keyFile}.`,
          cause,
        },
      );
    }
  }

  #sharedCertificates(): readonly string[] {
    const { ca, env } = this.#settings;
    return (this.#shared ??= distinct([
      ...tls.rootCertificates,
      ...systemCertificates(),
      ...readCertificates(env["NODE_EXTRA_CA_CERTS"]),
      ...readCertificates(env["SSL_CERT_FILE"]),
      ...(env["SSL_CERT_DIR"]?.split(":") ?? []).flatMap((folder) =>
        listFiles(folder, /./).flatMap(readCertificates),
      ),
      ...ca.flatMap(splitCertificates),
    ]));
  }

  /**
   * Lists the files that Docker and Podman use for the host.
   * https://docs.docker.com/engine/security/certificates/
   */
  #hostFiles(url: URL, extension: string): readonly string[] {
    const defaultPort = url.protocol === "http:" ? 80 : 443;
    const names = [
      url.host,
      ...(url.port === "" ? [`${url.host}:${defaultPort}`] : []),
      ...(url.host === DOCKER_HUB_API ? ["docker.io"] : []),
    ];
    return certificateFolders(this.#settings)
      .flatMap((folder) => names.map((name) => join(folder, name)))
      .flatMap((folder) => listFiles(folder, new RegExp(`\\${extension}$`)));
  }
}

function certificateFolders({ certificateFolders: folders, env }: HttpSettings): readonly string[] {
  const home = env["HOME"];
  return (
    folders ?? [
      "/etc/docker/certs.d",
      "/etc/containers/certs.d",
      ...(home
        ? [".docker/certs.d", ".config/docker/certs.d", ".config/containers/certs.d"].map((path) =>
            join(home, path),
          )
        : []),
    ]
  );
}

function systemCertificates(): readonly string[] {
  for (const file of SYSTEM_FILES) {
    const found = readCertificates(file);
    if (found.length > 0) return found;
  }
  return getCACertificates?.("system") ?? [];
}

/** Ignores missing and unreadable files, as Docker, Go and Node.js do. */
function readCertificates(file: string | undefined): readonly string[] {
  if (!file) return [];
  try {
    return splitCertificates(readFileSync(file, "latin1"));
  } catch {
    return [];
  }
}

function splitCertificates(pem: string): readonly string[] {
  return pem.match(CERTIFICATE) ?? [];
}

function listFiles(folder: string, pattern: RegExp): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => pattern.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Removes duplicates, because most of the system's certificates are also built into Node.js. */
function distinct(certificates: readonly string[]): readonly string[] {
  return [...new Map(certificates.map((pem) => [pem.replace(/\s/g, ""), pem])).values()];
}
