// Which certificates a connection trusts and presents. Those of the settings, of Node, of the system and of the host add up.
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

/** A client certificate with its key, as PEM texts. */
interface ClientCertificate {
  readonly file: string;
  readonly keyFile: string;
}

/** Where Linux systems keep their certificates: https://go.dev/src/crypto/x509/root_linux.go */
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

/** Node has this since 22.15. On other systems than Linux it is the only way to the system's certificates. */
const { getCACertificates } = tls as {
  readonly getCACertificates?: (type: "system") => readonly string[];
};

/**
 * The certificates of one run. Files are read when they are first needed, once, and the parsed store is kept: OpenSSL takes
 * tens of milliseconds to parse it, which must not be paid for every connection.
 */
export class Certificates {
  readonly #settings: HttpSettings;
  readonly #options = new Map<string, TlsOptions>();
  #shared: readonly string[] | undefined;
  #sharedContext: tls.SecureContext | undefined;

  constructor(settings: HttpSettings) {
    this.#settings = settings;
  }

  /** Returns the options for a connection to the host of the URL. Throws `SETTINGS_INVALID` for a client certificate that cannot be used. */
  optionsFor(url: URL): TlsOptions {
    const options = this.#options.get(url.host) ?? {
      rejectUnauthorized: !this.#settings.insecure.has(url.host),
      secureContext: this.#contextFor(url),
    };
    this.#options.set(url.host, options);
    return options;
  }

  /** Lists everything that is trusted when connecting to the host of the URL, as PEM texts. */
  trustedFor(url: URL): readonly string[] {
    return distinct([
      ...this.#sharedCertificates(),
      ...this.#hostFiles(url, ".crt").flatMap(readCertificates),
    ]);
  }

  /** Lists what is trusted for the host of the URL besides what every program on this machine trusts. */
  addedFor(url: URL): readonly string[] {
    const { ca, env } = this.#settings;
    return distinct([
      ...ca.flatMap(splitCertificates),
      ...readCertificates(env["NODE_EXTRA_CA_CERTS"]),
      ...this.#hostFiles(url, ".crt").flatMap(readCertificates),
    ]);
  }

  /** Returns the files of the client certificate for the host of the URL, or undefined where there is none. */
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
          hint: `Put the key of the certificate into ${client.keyFile}.`,
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

  /** Lists the files that Docker and Podman use for the host: https://docs.docker.com/engine/security/certificates/ */
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

/** Files that are absent or unreadable add nothing, as in Docker, Go and Node. */
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

/** The system's certificates are mostly those that Node has built in; each is parsed once. */
function distinct(certificates: readonly string[]): readonly string[] {
  return [...new Map(certificates.map((pem) => [pem.replace(/\s/g, ""), pem])).values()];
}
