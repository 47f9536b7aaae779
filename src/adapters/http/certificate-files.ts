// Writes the trusted certificates of a server to one PEM file, for programs that require a file.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Certificates } from "./tls.js";
import type { HttpSettings } from "./settings.js";

/** Files for one server. */
export interface CertificateFiles {
  /** All trusted certificates. Absent when these are the system's and those of SSL_CERT_FILE. */
  readonly caFile?: string;
  readonly client?: { readonly file: string; readonly keyFile: string };
}

/**
 * Returns a function that writes the files of a server to `folder` once. The caller removes the
 * folder. Other programs do not read the user's settings, NODE_EXTRA_CA_CERTS and certs.d, and a
 * certificate file replaces their own certificates.
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
