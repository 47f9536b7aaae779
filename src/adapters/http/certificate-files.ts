// Writes what is trusted for a server into one PEM file, for programs that take a file.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Certificates } from "./tls.js";
import type { HttpSettings } from "./settings.js";

/** Files for one server. */
export interface CertificateFiles {
  /** Everything that is trusted; absent where the system's certificates and SSL_CERT_FILE are everything. */
  readonly caFile?: string;
  readonly client?: { readonly file: string; readonly keyFile: string };
}

/**
 * Returns a function that gives the files for a server, written once into `folder`, which is the caller's. Another program than Node
 * knows nothing of the user's settings, NODE_EXTRA_CA_CERTS and certs.d, and a file that it is given takes the place of its own.
 */
export function certificateFiles(
  settings: HttpSettings,
  folder: string,
): (server: URL) => Promise<CertificateFiles> {
  const certificates = new Certificates(settings);
  const written = new Map<string, Promise<CertificateFiles>>();
  const write = async (server: URL): Promise<CertificateFiles> => {
    const client = certificates.clientCertificateFor(server);
    if (certificates.addedFor(server).length === 0) return client === undefined ? {} : { client };
    const caFile = join(folder, `trusted-${written.size}.pem`);
    await writeFile(caFile, `${certificates.trustedFor(server).join("\n")}\n`);
    return { caFile, ...(client !== undefined && { client }) };
  };
  return (server) => {
    const known = written.get(server.host) ?? write(server);
    written.set(server.host, known);
    return known;
  };
}
