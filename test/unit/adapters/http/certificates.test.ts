// All sources of certificates are combined, and those in certs.d apply only to their host.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificateFiles } from "../../../../src/adapters/http/certificate-files.js";
import type { HttpSettings } from "../../../../src/adapters/http/settings.js";
import { Certificates } from "../../../../src/adapters/http/tls.js";
import { readFile } from "node:fs/promises";

const folder = mkdtempSync(join(tmpdir(), "viola-certificates-"));
const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const url = (host: string): URL => new URL(`https://${host}/v2/`);

beforeAll(() => {
  const write = (path: string, ...texts: readonly string[]): void => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), texts.map(pem).join("# comment\n"));
  };
  write("extra.pem", "EXTRA", "EXTRATWO");
  write("file.pem", "FILE");
  write("dir/one", "DIR");
  write("certs.d/r.test:8443/ca.crt", "HOST");
  write("certs.d/plain.test:443/a.crt", "PORT");
  write("certs.d/docker.io/ca.crt", "HUB");
  writeFileSync(join(folder, "certs.d/r.test:8443/client.cert"), "no certificate");
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const settings: HttpSettings = {
  ca: [pem("ONE"), `${pem("TWO")}${pem("THREE")}`],
  insecure: new Set(),
  env: {
    NODE_EXTRA_CA_CERTS: join(folder, "extra.pem"),
    SSL_CERT_FILE: join(folder, "file.pem"),
    SSL_CERT_DIR: `${join(folder, "dir")}:${join(folder, "absent")}`,
  },
  certificateFolders: [join(folder, "certs.d")],
};
const found = (host: string): readonly string[] =>
  new Certificates(settings)
    .trustedFor(url(host))
    .flatMap((text) => /^-----BEGIN CERTIFICATE-----\n([A-Z]{3,8})\n/.exec(text)?.[1] ?? [])
    .sort();
const EVERYWHERE = ["DIR", "EXTRA", "EXTRATWO", "FILE", "ONE", "THREE", "TWO"];

describe("trusted certificates", () => {
  it("include all certificates of the settings and of every variable", () => {
    expect(found("other.test")).toEqual(EVERYWHERE);
    expect(new Certificates(settings).trustedFor(url("other.test")).length).toBeGreaterThan(100);
  });

  it.each([
    ["r.test:8443", "HOST"],
    ["plain.test", "PORT"],
    ["registry-1.docker.io", "HUB"],
  ])("include those of certs.d for %s", (host, more) => {
    expect(found(host)).toEqual([...EVERYWHERE, more].sort());
  });

  it("do not include those of certs.d for another port", () => {
    expect(found("r.test:9443")).toEqual(EVERYWHERE);
  });

  it("ignore missing files", () => {
    const env = { NODE_EXTRA_CA_CERTS: "/nowhere", SSL_CERT_FILE: "/nowhere" };
    const certificates = new Certificates({ ...settings, ca: [], env, certificateFolders: ["/nowhere"] });

    expect(certificates.addedFor(url("r.test"))).toEqual([]);
    expect(certificates.trustedFor(url("r.test")).length).toBeGreaterThan(100);
  });
});

describe("client certificates", () => {
  it("that are unusable are reported with the expected file of the key", () => {
    const options = (): unknown => new Certificates(settings).optionsFor(url("r.test:8443"));

    expect(options).toThrow(
      expect.objectContaining({
        code: "SETTINGS_INVALID",
        subject: join(folder, "certs.d/r.test:8443/client.cert"),
        hint: expect.stringContaining("client.key") as unknown,
      }),
    );
  });
});

describe("files for other programs", () => {
  it("contain all trusted certificates for the host", async () => {
    const { caFile, client } = await certificateFiles(settings, folder)(url("r.test:8443"));
    const text = await readFile(caFile!, "utf8");

    for (const name of [...EVERYWHERE, "HOST"]) expect(text).toContain(`\n${name}\n`);
    expect(client?.keyFile).toBe(join(folder, "certs.d/r.test:8443/client.key"));
  });

  it("are absent when other programs trust the same certificates by default", async () => {
    const plain = { ...settings, ca: [], env: { SSL_CERT_FILE: join(folder, "file.pem") } };

    expect(await certificateFiles(plain, folder)(url("other.test"))).toEqual({});
  });
});
