// Pushing to registries with faults: broken uploads, proxies with limits, wrong upload URLs, an
// interruption.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../../scripts/parts/embedded-registry.js";
import type { Fault } from "../../../scripts/parts/registry-faults.js";
import type { RegistryRequest } from "../../../scripts/parts/registry-requests.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { ManyErrors } from "../../../src/errors.js";
import { bundleOf } from "../../support/bundle-of.js";
import { pushTo } from "./push-to.js";

const folder = mkdtempSync(join(tmpdir(), "viola-push-faults-"));
let bundle: OpenBundle;
let registry: EmbeddedRegistry;
beforeAll(async () => {
  bundle = await bundleOf(folder, "pushed", [
    { reference: "quay.io/a/b:1", seed: "a", mediaTypes: "oci", layers: [3_000_000, 10_000] },
    { reference: "quay.io/c/d:1", seed: "c", mediaTypes: "oci", layers: [10_000] },
  ]);
});
afterEach(() => registry.close());
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const start = async (fault: (request: RegistryRequest) => Fault | undefined): Promise<void> => {
  registry = await startEmbeddedRegistry({ fault });
};
const isPut = ({ method, kind }: RegistryRequest): boolean => method === "PUT" && kind === "upload";

test("a broken upload is restarted, and counted once", async () => {
  let broken = 0;
  await start((request) => (isPut(request) && broken++ < 3 ? { kind: "drop" } : undefined));
  let done = 0;
  let total = 0;
  const report = await pushTo(registry.host, bundle, {
    onProgress: (event) => {
      if (event.kind === "started" && event.step === "push") total = event.total ?? 0;
      if (event.kind === "advanced" && event.step === "push") done = event.done;
    },
  });
  expect(broken).toBeGreaterThan(3);
  expect(done).toBe(total);
  expect(report.unresolved).toEqual([]);
});

test("a registry that stays silent after a blob is given up, with its name and the bytes sent", async () => {
  await start((request) => (isPut(request) ? { kind: "silent" } : undefined));
  const began = Date.now();
  const error: unknown = await pushTo(registry.host, bundle, { settings: { stallTimeoutMs: 200 } }).catch(
    (cause: unknown) => cause,
  );
  const errors = error instanceof ManyErrors ? error.errors : [error];
  for (const one of errors) {
    expect(one).toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
    expect((one as Error).message).toMatch(/no data for 0\.\d+ s after \d+ bytes/);
  }
  expect(Date.now() - began).toBeLessThan(10_000);
});

test("a request to a busy registry is retried", async () => {
  const refused = new Set<string>();
  await start((request) => {
    const what = `${request.method} ${request.kind}`;
    if (refused.has(what)) return undefined;
    refused.add(what);
    return { kind: "status", status: 503, headers: { "retry-after": "0" } };
  });
  await expect(pushTo(registry.host, bundle)).resolves.toMatchObject({ unresolved: [] });
});

test("a proxy with a size limit is reported with a hint, and the other repository gets its image", async () => {
  await start((request) =>
    isPut(request) && Number(request.headers["content-length"]) > 1_000_000
      ? { kind: "status", status: 413 }
      : undefined,
  );
  const error = await pushTo(registry.host, bundle).catch((cause: unknown) => cause);
  expect(error).toMatchObject({
    code: "REGISTRY_ANSWER_INVALID",
    subject: `${registry.host}/quay.io/a/b`,
    hint: expect.stringContaining("client_max_body_size") as unknown,
  });
  expect(registry.requests.some((request) => isPut(request) && request.repository === "quay.io/c/d")).toBe(
    true,
  );
});

test.each([400, 405, 501])(
  "a registry that responds to every HEAD with %i gets the bundle once",
  async (status) => {
    await start(({ method }) => (method === "HEAD" ? { kind: "status", status } : undefined));
    const report = await pushTo(registry.host, bundle);
    expect(report.uploadedBlobs).toBeGreaterThan(0);
    expect(await pushTo(registry.host, bundle)).toMatchObject({ uploadedBlobs: 0, sentBytes: 0 });
  },
);

test("a server that is not a registry is reported", async () => {
  await start(() => ({ kind: "status", status: 404, body: "<html>" }));
  await expect(pushTo(registry.host, bundle)).rejects.toMatchObject({ code: "REGISTRY_ANSWER_INVALID" });
});

test("an interrupted push ends immediately, cancels its uploads, and resumes next time", async () => {
  const interruption = new AbortController();
  await start(() => undefined);
  const pushing = pushTo(registry.host, bundle, {
    signal: interruption.signal,
    onProgress: (event) => {
      if (event.kind === "advanced" && event.step === "push") interruption.abort();
    },
  });
  await expect(pushing).rejects.toMatchObject({ name: "AbortError" });
  expect(registry.requests.some(({ method, kind }) => method === "DELETE" && kind === "upload")).toBe(true);
  const next = await pushTo(registry.host, bundle);
  expect(next.uploadedBlobs).toBeGreaterThan(0);
  expect(await pushTo(registry.host, bundle)).toMatchObject({ uploadedBlobs: 0, sentBytes: 0 });
});

test("all requests use HTTP_PROXY, including uploads", async () => {
  await start(() => undefined);
  const settings = { insecure: new Set(["registry.test"]) };
  const setup = { settings, env: { HTTP_PROXY: registry.url } };
  const report = await pushTo("registry.test", bundle, setup);
  expect(report.registry).toBe("http://registry.test");
  expect(report.uploadedBlobs).toBeGreaterThan(0);
  expect(registry.requests.every(({ path }) => path.startsWith("http://registry.test/"))).toBe(true);
  expect(await pushTo("registry.test", bundle, setup)).toMatchObject({ sentBytes: 0 });
});
