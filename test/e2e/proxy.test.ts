// A complete build through an HTTPS proxy. The proxy and the registry have certificates of a
// private authority.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../scripts/parts/embedded-registry.js";
import { makeImage } from "../../scripts/parts/images.js";
import { makeCertificate, type TestCertificate } from "../support/certificate.js";
import { runCli } from "../support/cli.js";
import { startConnectProxy, type ConnectProxy, type ConnectProxyOptions } from "../support/connect-proxy.js";
import type { RunResult } from "../support/run.js";

const IMAGES = ["a", "b", "c", "d", "e", "f"];
const CONCURRENCY = 3;

const folder = mkdtempSync(join(tmpdir(), "viola-proxy-"));
let certificate: TestCertificate;
let registry: EmbeddedRegistry;
beforeAll(async () => {
  certificate = makeCertificate(folder, "DNS:registry.test", "IP:127.0.0.1");
  registry = await startEmbeddedRegistry({ tls: certificate });
  for (const name of IMAGES) {
    const image = makeImage(folder, { seed: name, mediaTypes: "oci", layers: [300_000, 200_000, 10_000] });
    registry.addImage(folder, image, `app/${name}`, "1");
  }
  const references = IMAGES.map((name) => `"registry.test/app/${name}:1"`);
  writeFileSync(
    join(folder, "spec.yaml"),
    `name: p\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts: []\nimages: {include: [${references.join(", ")}]}\n`,
  );
  writeFileSync(join(folder, "trusting.yaml"), `ca: ca.crt\nconcurrency: ${CONCURRENCY}\n`);
  writeFileSync(join(folder, "empty.yaml"), "{}\n");
});
afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true });
});

async function startProxy(options: Omit<ConnectProxyOptions, "to"> = {}): Promise<ConnectProxy> {
  const proxy = await startConnectProxy({ ...options, to: registry.host });
  onTestFinished(() => proxy.close());
  return proxy;
}

function build(https_proxy: string, settings = "trusting.yaml"): Promise<RunResult> {
  const argv = ["build", "spec.yaml", "-o", "out.bundle", "--source", "registry", "--config", settings];
  return runCli(argv, { cwd: folder, env: { https_proxy } });
}

test("fetches manifests and blobs through at most as many tunnels as the settings allow", async () => {
  const proxy = await startProxy({ tls: certificate });

  const built = await build(proxy.url);

  expect(built).toMatchObject({ code: 0 });
  expect(proxy.targets.length).toBeGreaterThan(0);
  expect(proxy.targets.length).toBeLessThanOrEqual(CONCURRENCY);
  expect(new Set(proxy.targets)).toEqual(new Set(["registry.test:443"]));
  const verified = await runCli(["verify", "out.bundle"], { cwd: folder });
  expect(verified).toMatchObject({ code: 0 });
});

test("sends the user and password of the proxy's URL", async () => {
  const authorization = `Basic ${Buffer.from("me:100% secret").toString("base64")}`;
  const proxy = await startProxy({ authorization });

  const denied = await build(proxy.url);
  const built = await build(proxy.url.replace("//", "//me:100%%20secret@"));

  expect(denied).toMatchObject({ code: 2, stderr: expect.stringContaining("407") as unknown });
  expect(built).toMatchObject({ code: 0 });
});

test("does not trust a proxy with an untrusted certificate, and reports it", async () => {
  const proxy = await startProxy({ tls: certificate });

  const built = await build(proxy.url, "empty.yaml");

  expect(built).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(new URL(proxy.url).host) as unknown,
  });
  expect(proxy.targets).toEqual([]);
});

test("rejects another kind of proxy with one message", async () => {
  const built = await build("socks5h://user:secret@127.0.0.1:1080");

  expect(built.code).toBe(2);
  expect(built.stderr).toContain("https_proxy");
  expect(built.stderr).not.toContain("secret");
  expect(built.stderr).not.toContain("    at ");
});
