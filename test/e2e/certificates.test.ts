// Certificates of private authorities, from all sources: used for images, charts and programs at
// URLs.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import { makeImage } from "../../scripts/parts/images.js";
import { makeCertificate, type TestCertificate } from "../support/certificate.js";
import { runCli } from "../support/cli.js";
import type { RunResult } from "../support/run.js";

const folder = mkdtempSync(join(tmpdir(), "viola-ca-"));
const at = (...path: string[]): string => join(folder, ...path);
const closers: (() => Promise<void>)[] = [];
/** Hosts of the registry, the chart repository and the file server, each with its own authority. */
const hosts: Record<string, string> = {};
const NAMES = ["registry", "charts", "files"] as const;
/** The start of an ELF header of a program for amd64: e_machine is 62. */
const PROGRAM = Buffer.concat([
  Buffer.from("\x7fELF"),
  Buffer.alloc(14),
  Buffer.from([62, 0]),
  Buffer.alloc(64),
]);
const SHA256 = createHash("sha256").update(PROGRAM).digest("hex");

beforeAll(async () => {
  const certificates = Object.fromEntries(
    NAMES.map((name) => {
      mkdirSync(at(name));
      return [name, makeCertificate(at(name), "IP:127.0.0.1")];
    }),
  ) as Record<(typeof NAMES)[number], TestCertificate>;
  const registry = await startEmbeddedRegistry({ tls: certificates.registry });
  closers.push(() => registry.close());
  const image = makeImage(folder, { seed: "ca", mediaTypes: "oci", layers: [10_000] });
  registry.addImage(folder, image, "t/app", "1");
  hosts["registry"] = registry.host;

  mkdirSync(at("c", "templates"), { recursive: true });
  writeFileSync(at("c", "Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n");
  const pod = `spec: {containers: [{name: c, image: "${registry.host}/t/app:1"}]}`;
  writeFileSync(at("c", "templates", "pod.yaml"), `apiVersion: v1\nkind: Pod\nmetadata: {name: c}\n${pod}\n`);
  execFileSync("tar", ["-czf", at("charts", "c-1.0.0.tgz"), "c"], { cwd: folder });
  writeFileSync(
    at("charts", "index.yaml"),
    "apiVersion: v1\nentries: {c: [{apiVersion: v2, name: c, version: 1.0.0, urls: [c-1.0.0.tgz]}]}\n",
  );
  writeFileSync(at("files", "program"), PROGRAM);
  for (const name of ["charts", "files"] as const)
    hosts[name] = await serveFolder(at(name), certificates[name]);

  const chart = `{chart: c, repository: "https://${hosts["charts"]}", version: 1.0.0, release: c, namespace: c}`;
  writeFileSync(at("spec.yaml"), `name: c\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts: [${chart}]\n`);
  writeFileSync(at("empty.yaml"), "{}\n");
  writeFileSync(at("list.yaml"), `ca: [${NAMES.map((name) => `${name}/ca.crt`).join(", ")}]\n`);
  writeFileSync(at("all.pem"), NAMES.map((name) => readFileSync(at(name, "ca.crt"), "utf8")).join(""));
  for (const name of NAMES) {
    const certsFolder = at("home", ".config/containers/certs.d", hosts[name] ?? "");
    mkdirSync(certsFolder, { recursive: true });
    copyFileSync(at(name, "ca.crt"), join(certsFolder, "private.crt"));
  }
});
afterAll(async () => {
  for (const close of closers) await close();
  rmSync(folder, { recursive: true });
});

async function serveFolder(path: string, tls: TestCertificate): Promise<string> {
  const server = createServer(tls, (request, response) => {
    try {
      response.end(readFileSync(join(path, request.url ?? "")));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function build(
  settings: string,
  env: Readonly<Record<string, string>>,
  include: readonly string[],
): Promise<RunResult> {
  rmSync(at("out.bundle"), { force: true });
  const argv = ["build", "spec.yaml", "-o", "out.bundle", "--source", "registry", "--config", settings];
  return runCli([...argv, ...include], { cwd: folder, env });
}

const withProgram = (): readonly string[] => [
  "--with",
  `kubectl=https://${hosts["files"] ?? ""}/program#sha256:${SHA256}`,
];

test.each<[string, string, Record<string, string>]>([
  ["the list of the settings", "list.yaml", {}],
  ["SSL_CERT_FILE", "empty.yaml", { SSL_CERT_FILE: at("all.pem") }],
  ["NODE_EXTRA_CA_CERTS", "empty.yaml", { NODE_EXTRA_CA_CERTS: at("all.pem") }],
  ["certs.d", "empty.yaml", { HOME: at("home") }],
  [
    "one place each",
    "one.yaml",
    { SSL_CERT_FILE: at("charts", "ca.crt"), NODE_EXTRA_CA_CERTS: at("files", "ca.crt") },
  ],
])("trusts authorities of %s", async (_, settings, env) => {
  writeFileSync(at("one.yaml"), "ca: registry/ca.crt\n");

  const built = await build(settings, env, withProgram());

  expect(built).toMatchObject({ code: 0 });
});

test("trusts no other certificate", async () => {
  const charts = await build("empty.yaml", {}, []);
  writeFileSync(at("charts.yaml"), "ca: charts/ca.crt\n");
  const images = await build("charts.yaml", {}, []);
  const programs = await build("charts.yaml", {}, withProgram());

  expect(charts).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(hosts["charts"] ?? "") as unknown,
  });
  expect(images).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(hosts["registry"] ?? "") as unknown,
  });
  expect(programs).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(hosts["files"] ?? "") as unknown,
  });
});
