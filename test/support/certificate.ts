// A certificate authority for a test, and a server certificate that it has signed.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The files are `ca.crt`, `server.crt` and `server.key` in the folder; texts are PEM. */
export interface TestCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Creates the certificate for names such as `IP:127.0.0.1` or `DNS:registry.test`. */
export function makeCertificate(folder: string, ...names: readonly string[]): TestCertificate {
  const openssl = (command: string): void => {
    execFileSync("openssl", command.split(" "), { cwd: folder, stdio: "ignore" });
  };
  openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.crt");
  openssl("req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr");
  writeFileSync(join(folder, "extensions"), `subjectAltName=${names.join(",")}\n`);
  openssl(
    "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.crt",
  );
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  return { ca: read("ca.crt"), cert: read("server.crt"), key: read("server.key") };
}
