// The registry client with faults and rare features of registries: temporary failures, damaged
// bodies, redirects, expired tokens.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  startEmbeddedRegistry,
  type EmbeddedRegistry,
  type EmbeddedRegistryOptions,
} from "../../../scripts/parts/embedded-registry.js";
import { makeImage, type MadeImage } from "../../../scripts/parts/images.js";
import type { Fault } from "../../../scripts/parts/registry-faults.js";
import type { RegistryRequest } from "../../../scripts/parts/registry-requests.js";
import { streamBlob } from "../../../src/adapters/blobs/stream-blob.js";
import { RegistryClient } from "../../../src/adapters/registry/client.js";
import { RegistrySource } from "../../../src/adapters/registry/registry-source.js";
import { defaultSettings, type Settings } from "../../../src/adapters/files/user-settings.js";
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, type Descriptor } from "../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../src/core/oci/digest.js";
import type { ViolaError } from "../../../src/errors.js";
import { parsePlatform } from "../../../src/core/oci/platform.js";
import type { ResolvedImage } from "../../../src/core/images/resolved-image.js";
import { imageUse } from "../../support/image-use.js";

const signal = new AbortController().signal;
const amd64 = parsePlatform("linux/amd64");
const arm64 = parsePlatform("linux/arm64");
const LOGIN = { user: "viola", password: "secret" } as const;

let folder = "";
let image: MadeImage;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "viola-faults-"));
  image = makeImage(folder, {
    seed: "faults",
    mediaTypes: "oci",
    layers: [10_000],
  });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function start(options: EmbeddedRegistryOptions = {}): Promise<EmbeddedRegistry> {
  const registry = await startEmbeddedRegistry(options);
  onTestFinished(() => registry.close());
  registry.addImage(folder, image, "a/b", "1");
  return registry;
}

function newClient(settings: Partial<Settings> = {}, env: Record<string, string> = {}): RegistryClient {
  const client = new RegistryClient({
    settings: { ...defaultSettings(), ...settings },
    env,
    home: folder,
    firstDelayMs: 1,
  });
  onTestFinished(() => client.close());
  return client;
}

function resolve(
  reference: string,
  {
    settings = {},
    env = {},
    platforms = [amd64],
  }: {
    settings?: Partial<Settings>;
    env?: Record<string, string>;
    platforms?: (typeof amd64)[];
  } = {},
): Promise<ResolvedImage> {
  return new RegistrySource(newClient(settings, env)).resolveImage(imageUse(reference), platforms, signal);
}

/** Injects a fault into the first matching requests. */
function first(
  times: number,
  matches: (request: RegistryRequest) => boolean,
  fault: Fault,
): (request: RegistryRequest) => Fault | undefined {
  let left = times;
  return (request) => (matches(request) && left-- > 0 ? fault : undefined);
}

const isManifest = ({ kind }: RegistryRequest): boolean => kind === "manifest";
const isBlob = ({ kind }: RegistryRequest): boolean => kind === "blob";

function authFor(host: string, auth: Record<string, string>): Record<string, string> {
  return { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [host]: auth } }) };
}
function basic({ user, password }: { user: string; password: string }): string {
  return Buffer.from(`${user}:${password}`).toString("base64");
}

/** Stores a manifest and returns its descriptor. */
async function put(
  registry: EmbeddedRegistry,
  mediaType: string,
  reference: string,
  content: unknown,
): Promise<Descriptor> {
  const bytes = typeof content === "string" ? content : JSON.stringify(content);
  const digest = digestOf(bytes);
  for (const name of [digest, reference]) {
    const url = `${registry.url}/v2/a/b/manifests/${name}`;
    await fetch(url, {
      method: "PUT",
      headers: { "content-type": mediaType },
      body: bytes,
    });
  }
  return { mediaType, digest, size: Buffer.byteLength(bytes) };
}

describe("temporary failures", () => {
  it.each([408, 429, 500, 502, 503, 504])("retries after %i", async (status) => {
    const registry = await start({
      fault: first(2, isManifest, { kind: "status", status }),
    });

    const { root } = await resolve(`${registry.host}/a/b:1`);

    expect(root.digest).toBe(image.root.digest);
  });

  it("waits as long as Retry-After asks", async () => {
    const headers = { "retry-after": "1" };
    const registry = await start({
      fault: first(1, isManifest, { kind: "status", status: 429, headers }),
    });
    const began = Date.now();

    await resolve(`${registry.host}/a/b:1`);

    expect(Date.now() - began).toBeGreaterThanOrEqual(990);
  });

  it("retries when the connection drops and when a body ends early", async () => {
    for (const fault of [{ kind: "drop" }, { kind: "truncate", after: 10 }] as const) {
      const registry = await start({ fault: first(1, isManifest, fault) });

      expect((await resolve(`${registry.host}/a/b:1`)).root.digest).toBe(image.root.digest);
    }
  });

  it("gives up after some retries, and immediately when Retry-After is too long", async () => {
    const always = await start({
      fault: () => ({ kind: "status", status: 503 }),
    });
    const patient = await start({
      fault: () => ({
        kind: "status",
        status: 429,
        headers: { "retry-after": "86400" },
      }),
    });

    await expect(resolve(`${always.host}/a/b:1`)).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
    });
    await expect(resolve(`${patient.host}/a/b:1`)).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
    });
    expect(always.requests).toHaveLength(5);
    expect(patient.requests).toHaveLength(1);
  });

  it("does not retry after 404", async () => {
    const registry = await start();

    await expect(resolve(`${registry.host}/a/b:2`)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
    });

    expect(registry.requests.filter(isManifest)).toHaveLength(1);
  });

  it("stops waiting when the signal fires", async () => {
    const headers = { "retry-after": "50" };
    const registry = await start({
      fault: () => ({ kind: "status", status: 429, headers }),
    });
    const stop = new AbortController();
    const source = new RegistrySource(newClient());

    const resolving = source.resolveImage(imageUse(`${registry.host}/a/b:1`), [amd64], stop.signal);
    stop.abort(new Error("enough"));

    await expect(resolving).rejects.toThrow("enough");
  });
});

describe("silent servers", () => {
  const settings = { stallTimeoutMs: 200 };

  it.each<[string, Fault]>([
    ["that does not respond", { kind: "silent" }],
    ["that stops in the middle", { kind: "stall", after: 10 }],
  ])("end the request for a manifest: one %s", async (_, fault) => {
    const registry = await start({
      fault: (request) => (isManifest(request) ? fault : undefined),
    });

    const error: unknown = await resolve(`${registry.host}/a/b:1`, {
      settings,
    }).catch((cause: unknown) => cause);

    expect(error).toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
      subject: `${registry.host}/a/b:1`,
    });
    const bytes = fault.kind === "stall" ? fault.after : 0;
    expect((error as Error).message).toContain(
      `${registry.url}/v2/a/b/manifests/1: no data for 0.2 s after ${bytes} bytes`,
    );
    expect(registry.requests.filter(isManifest)).toHaveLength(2);
  });

  it("end the request for a token", async () => {
    const registry = await start({
      login: { ...LOGIN, scheme: "bearer" },
      fault: ({ kind }) => (kind === "token" ? { kind: "silent" } : undefined),
    });

    const error: unknown = await resolve(`${registry.host}/a/b:1`, {
      settings,
    }).catch((cause: unknown) => cause);

    expect(error).toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
    expect((error as Error).message).toContain(`${registry.url}/token: no data for 0.2 s`);
  });

  it("end the download of a blob, with the place and the bytes so far", async () => {
    let blobs = 0;
    const registry = await start({
      fault: (request) => {
        if (!isBlob(request)) return undefined;
        return blobs++ === 0 ? { kind: "stall", after: 100 } : { kind: "silent" };
      },
    });
    const { digest, size, mediaType } = image.platforms[0]!.layers[0]!;
    const source = {
      kind: "registry",
      registry: registry.host,
      repository: "a/b",
    } as const;
    const began = Date.now();

    const stream = streamBlob(
      { descriptor: { digest, size, mediaType }, source, image: "a/b" },
      newClient(settings),
      signal,
    );
    const error: unknown = await buffer(stream).catch((cause: unknown) => cause);

    expect(error).toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
    expect((error as Error).message).toContain(`${registry.url}/v2/a/b/blobs/${digest}: no data for 0.2 s`);
    expect((error as Error).message).toContain(`100 of ${size} bytes received`);
    // The second request continues the first one.
    expect(
      registry.requests
        .filter(isBlob)
        .map(({ headers }) => headers.range)
        .slice(0, 2),
    ).toEqual([undefined, "bytes=100-"]);
    expect(Date.now() - began).toBeLessThan(5_000);
  });
});

describe("an image whose config has no platform", () => {
  it("counts as one for the only platform that is wanted", async () => {
    const bytes = JSON.stringify({
      os: "",
      rootfs: { type: "layers", diff_ids: [] },
    });
    const config = {
      mediaType: OCI_CONFIG,
      digest: digestOf(bytes),
      size: bytes.length,
    };
    const registry = await start({
      fault: ({ kind, reference }) =>
        kind === "blob" && reference === config.digest
          ? { kind: "status", status: 200, body: bytes }
          : undefined,
    });
    await put(registry, OCI_MANIFEST, "silent", {
      schemaVersion: 2,
      config,
      layers: [],
    });
    const name = `${registry.host}/a/b:silent`;

    const { platforms } = await resolve(name, { platforms: [arm64] });

    expect(platforms.map(({ platform }) => platform)).toEqual([arm64]);
    await expect(resolve(name, { platforms: [amd64, arm64] })).rejects.toMatchObject({
      code: "IMAGE_PLATFORM_MISSING",
    });
  });
});

describe("names that do not exist", () => {
  const list = (path: string, content: unknown) => (request: RegistryRequest) =>
    request.path.startsWith(path)
      ? ({
          kind: "status",
          status: 200,
          body: JSON.stringify(content),
        } as const)
      : undefined;
  const hintOf = async (reference: string): Promise<string | undefined> => {
    const error: unknown = await resolve(reference).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: "IMAGE_NOT_FOUND",
      subject: reference,
    });
    return (error as ViolaError).hint;
  };

  it("are answered with similar tags", async () => {
    const tags = ["v2.55.1", "v2.54.1", "latest", "\u001b[31mv2.55.2"];
    const registry = await start({
      fault: list("/v2/a/b/tags/list", { name: "a/b", tags }),
    });

    const hint = await hintOf(`${registry.host}/a/b:v2.55.2`);

    expect(hint).toContain(`${registry.host}/a/b:v2.55.1, ${registry.host}/a/b:v2.54.1.`);
    expect(hint).not.toContain("latest");
    expect(hint).not.toContain("\u001b");
  });

  it("are answered with similar repositories where the registry lists them", async () => {
    const repositories = ["org/prometheus", "org/loki"];
    const registry = await start({
      fault: list("/v2/_catalog", { repositories }),
    });

    expect(await hintOf(`${registry.host}/org/promethues:1`)).toContain(` ${registry.host}/org/prometheus.`);
  });

  it.each([{ tags: null }, {}, [], "text"])("are not found when the list is %j", async (content) => {
    const missing = first(1, isManifest, { kind: "status", status: 404 });
    const registry = await start({
      fault: (request) => missing(request) ?? list("/v2/", content)(request),
    });

    expect(await hintOf(`${registry.host}/a/b:2`)).not.toContain("Similar");
  });

  it("are not found when the mirrors say so and the registry cannot be reached", async () => {
    const mirror = await start({
      fault: list("/v2/a/b/tags/list", { tags: ["1"] }),
    });
    const mirrors = new Map([["quay.invalid", { endpoints: [mirror.url], only: false }]]);

    const error: unknown = await resolve("quay.invalid/a/b:2", {
      settings: { mirrors },
    }).catch((cause: unknown) => cause);

    expect(error).toMatchObject({
      code: "IMAGE_NOT_FOUND",
      subject: "quay.invalid/a/b:2",
    });
    expect((error as ViolaError).hint).toContain("quay.invalid/a/b:1");
    expect((error as ViolaError).message).toContain("https://quay.invalid/v2/a/b/manifests/2");
  });

  it("are unknown when a mirror cannot be reached either", async () => {
    const mirror = await start();
    const endpoints = [mirror.url, "http://127.0.0.1:1"];
    const mirrors = new Map([["quay.invalid", { endpoints, only: false }]]);

    await expect(resolve("quay.invalid/a/b:2", { settings: { mirrors } })).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
    });
  });
});

describe("digests", () => {
  it("rejects a manifest with another digest than requested", async () => {
    const registry = await start({
      fault: (request) => (isManifest(request) ? { kind: "corrupt" } : undefined),
    });

    await expect(resolve(`${registry.host}/a/b@${image.root.digest}`)).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
    await expect(resolve(`${registry.host}/a/b:1`)).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
  });

  it("computes the digest of a tag when the registry does not state it", async () => {
    const registry = await start({ fault: () => ({ kind: "no-digest" }) });

    const { root } = await resolve(`${registry.host}/a/b:1`);

    expect(root.digest).toBe(image.root.digest);
  });

  it("rejects a config with another digest than in its manifest", async () => {
    const registry = await start({
      fault: (request) => (isBlob(request) ? { kind: "corrupt" } : undefined),
    });
    const config = image.platforms[0]!.config;
    const repository = { registry: registry.host, repository: "a/b" };

    const failure = newClient().pull.readBlob(repository, config, "test", signal);

    await expect(failure).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  it("tries the next place when a mirror is damaged", async () => {
    const damaged = await start({
      fault: (request) => (isManifest(request) ? { kind: "corrupt" } : undefined),
    });
    const sound = await start();
    const mirrors = new Map([["quay.io", { endpoints: [damaged.url, sound.url], only: true }]]);

    expect((await resolve("quay.io/a/b:1", { settings: { mirrors } })).root.digest).toBe(image.root.digest);
  });
});

describe("economy", () => {
  it("fetches no manifest twice in a run", async () => {
    const registry = await start();
    const source = new RegistrySource(newClient());

    await source.resolveImage(imageUse(`${registry.host}/a/b:1`), [amd64], signal);
    await source.resolveImage(imageUse(`${registry.host}/a/b:1`), [arm64], signal);
    await source.resolveImage(imageUse(`${registry.host}/a/b@${image.root.digest}`), [amd64], signal);

    expect(registry.requests.filter(isManifest)).toHaveLength(1 + image.children.length);
  });

  it("requests blobs first from the place that had the manifest", async () => {
    const empty = await startEmbeddedRegistry();
    onTestFinished(() => empty.close());
    const full = await start();
    const mirrors = new Map([["quay.io", { endpoints: [empty.url, full.url], only: true }]]);
    const client = newClient({ mirrors });
    const repository = { registry: "quay.io", repository: "a/b" };

    await client.pull.fetchManifest(repository, "1", "test", signal);

    const asked: string[] = [];
    await client.pull.fromPlaces(repository, `blobs/${image.root.digest}`, ({ url }) => {
      asked.push(url.host);
      return Promise.resolve({
        refusal: { code: "IMAGE_NOT_FOUND", place: url.href, answer: "404" },
      });
    });
    expect(asked).toEqual([full.host, empty.host]);
  });

  it("sends a mirror the name of the registry", async () => {
    const registry = await start();
    const mirrors = new Map([["quay.io", { endpoints: [registry.url], only: true }]]);

    await resolve("quay.io/a/b:1", { settings: { mirrors } });

    expect(registry.requests[0]!.path).toBe("/v2/a/b/manifests/1?ns=quay.io");
  });

  it("fetches the end of a blob only by range", async () => {
    const registry = await start({
      fault: (request) => (isBlob(request) ? { kind: "ignore-range" } : undefined),
    });
    const layer = image.platforms[0]!.layers[0]!;
    const repository = { registry: registry.host, repository: "a/b" };

    expect(await newClient().pull.readBlobTail(repository, layer, 4, signal)).toBeUndefined();
  });
});

describe("redirects", () => {
  it("drops the authorization header when a redirect leaves the registry", async () => {
    const elsewhere = await start();
    const registry = await start({
      login: { scheme: "basic", ...LOGIN },
      fault: (request) =>
        isManifest(request) && request.headers.authorization !== undefined
          ? { kind: "redirect", to: elsewhere.url }
          : undefined,
    });

    await resolve(`${registry.host}/a/b:1`, {
      env: authFor(registry.host, { auth: basic(LOGIN) }),
    });

    expect(registry.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(true);
    expect(elsewhere.requests.length).toBeGreaterThan(0);
    expect(elsewhere.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("does not answer the challenge of a redirect target", async () => {
    const elsewhere = await start({ login: { scheme: "basic", ...LOGIN } });
    const registry = await start({
      fault: () => ({ kind: "redirect", to: elsewhere.url }),
    });
    const env = {
      DOCKER_AUTH_CONFIG: JSON.stringify({
        auths: {
          [registry.host]: { auth: basic(LOGIN) },
          [elsewhere.host]: { auth: basic(LOGIN) },
        },
      }),
    };

    await expect(resolve(`${registry.host}/a/b:1`, { env })).rejects.toMatchObject({ code: "REGISTRY_AUTH" });

    expect(elsewhere.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });
});

describe("tokens", () => {
  it("requests one token for all requests to a repository", async () => {
    const registry = await start({
      login: { scheme: "bearer", ...LOGIN, anonymousPull: true },
    });

    await resolve(`${registry.host}/a/b:1`);

    expect(registry.requests.filter(({ kind }) => kind === "token")).toHaveLength(1);
  });

  it("requests another one when the registry no longer accepts the first", async () => {
    const challenge = (host: string): string =>
      `Bearer realm="http://${host}/token",service="embedded",scope="repository:a/b:pull"`;
    let host = "";
    let ended = 0;
    const registry = await start({
      login: { scheme: "bearer", ...LOGIN, anonymousPull: true },
      fault: (request) => {
        const isChild = isManifest(request) && request.reference !== "1";
        if (!isChild || request.headers.authorization === undefined || ended > 0) return undefined;
        ended++;
        return {
          kind: "status",
          status: 401,
          headers: { "www-authenticate": challenge(host) },
        };
      },
    });
    host = registry.host;

    const { root } = await resolve(`${registry.host}/a/b:1`);

    expect(root.digest).toBe(image.root.digest);
    expect(registry.requests.filter(({ kind }) => kind === "token")).toHaveLength(2);
  });

  it("reports that the token server refuses the password", async () => {
    const registry = await start({ login: { scheme: "bearer", ...LOGIN } });
    const env = authFor(registry.host, {
      auth: basic({ user: "viola", password: "wrong one" }),
    });

    const failure = resolve(`${registry.host}/a/b:1`, { env });

    await expect(failure).rejects.toMatchObject({
      code: "REGISTRY_AUTH",
      hint: expect.stringContaining("DOCKER_AUTH_CONFIG") as unknown,
    });
    await expect(failure).rejects.not.toThrow("wrong one");
  });

  it("does not report an unavailable token server as a refusal", async () => {
    const registry = await start({
      login: { scheme: "bearer", ...LOGIN },
      fault: ({ kind }) => (kind === "token" ? { kind: "status", status: 503 } : undefined),
    });

    await expect(resolve(`${registry.host}/a/b:1`)).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
    });
  });

  it("does not send a password to a realm that is not an http(s) URL", async () => {
    for (const realm of ["file:///etc/passwd", "http://user:pass@127.0.0.1/token", "nonsense"]) {
      const headers = {
        "www-authenticate": `Bearer realm="${realm}",service="x"`,
      };
      const registry = await start({
        fault: () => ({ kind: "status", status: 401, headers }),
      });
      const env = authFor(registry.host, { auth: basic(LOGIN) });

      await expect(resolve(`${registry.host}/a/b:1`, { env })).rejects.toMatchObject({
        code: "REGISTRY_AUTH",
      });
    }
  });

  const status = (code: number, headers: Record<string, string> = {}, body = ""): Fault => ({
    kind: "status",
    status: code,
    headers,
    body,
  });
  const bearer = (realm: string): Fault =>
    status(401, { "www-authenticate": `Bearer realm="${realm}",service="x"` });
  it.each<readonly [string, (request: RegistryRequest) => Fault | undefined]>([
    ["a token server without a host", () => bearer("/token")],
    ["a token server that is not http", () => bearer("ftp://127.0.0.1/token")],
    ["a token server that does not exist", () => bearer("http://127.0.0.1:1/token")],
    ["another kind of login", () => status(401, { "www-authenticate": "Negotiate, NTLM" })],
    ["a proxy that wants a login", () => status(407)],
    ["a fault of the registry", () => status(503)],
    ["a web page instead of a manifest", () => status(200, {}, "<html>sign in</html>")],
  ])("does not advise to log in because of %s", async (_, fault) => {
    const registry = await start({ fault });

    const error: unknown = await resolve(`${registry.host}/a/b:1`).catch((cause: unknown) => cause);

    expect((error as ViolaError).hint).not.toMatch(/\blog in\b|docker login/i);
  });

  it.each(["HTTP_PROXY", "HTTPS_PROXY"])("names the proxy that cannot be reached: %s", async (variable) => {
    const insecure = new Set(variable === "HTTP_PROXY" ? ["registry.invalid"] : []);
    const env = { HTTP_PROXY: "http://127.0.0.1:1", HTTPS_PROXY: "http://127.0.0.1:1" };

    const failure = resolve("registry.invalid/a/b:1", { settings: { insecure }, env });

    await expect(failure).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
      message: expect.stringContaining("proxy 127.0.0.1:1") as unknown,
      hint: expect.stringContaining("HTTPS_PROXY") as unknown,
    });
  });

  it("names the storage that refused what the registry has", async () => {
    const storage = await start({
      fault: () => status(403, {}, "<Error>expired</Error>"),
    });
    const registry = await start({
      fault: (request) => (isManifest(request) ? { kind: "redirect", to: storage.url } : undefined),
    });

    const error: unknown = await resolve(`${registry.host}/a/b:1`).catch((cause: unknown) => cause);

    expect(error).toMatchObject({ code: "REGISTRY_AUTH" });
    expect((error as ViolaError).hint).toContain(storage.host);
    expect((error as ViolaError).hint).not.toMatch(/docker login/i);
  });

  it("does not forget the login because of a page that is not of a registry", async () => {
    const registry = await start({
      fault: () => status(403, {}, "<Error>AccessDenied</Error>"),
    });

    const error: unknown = await resolve(`${registry.host}/a/b:1`).catch((cause: unknown) => cause);

    expect((error as ViolaError).hint).toMatch(/proxy.*docker login/i);
  });

  it("exchanges an identity token with POST, or with GET if the server does not support POST", async () => {
    for (const knowsPost of [true, false]) {
      const asked: string[] = [];
      const tokens = await startServer((request, response, body) => {
        asked.push(
          `${request.method ?? ""} ${request.method === "POST" ? body : (request.headers.authorization ?? "")}`,
        );
        if (request.method === "POST" && !knowsPost) response.writeHead(404).end();
        else response.end(JSON.stringify({ access_token: "good", expires_in: 60 }));
      });
      const challenge = `Bearer realm="${tokens}/token",service="s",scope="repository:a/b:pull"`;
      const registry = await start({
        fault: ({ headers }) =>
          headers.authorization === "Bearer good"
            ? undefined
            : {
                kind: "status",
                status: 401,
                headers: { "www-authenticate": challenge },
              },
      });

      await resolve(`${registry.host}/a/b:1`, {
        env: authFor(registry.host, { identitytoken: "refresh-me" }),
      });

      expect(asked[0]).toMatch(/^POST .*grant_type=refresh_token.*refresh_token=refresh-me/);
      expect(asked).toHaveLength(knowsPost ? 1 : 2);
      if (!knowsPost) expect(asked[1]).toBe(`GET Basic ${basic({ user: "", password: "refresh-me" })}`);
    }
  });
});

describe("token responses", () => {
  const answering = async (tokenAnswer: unknown): Promise<EmbeddedRegistry> => {
    const tokens = await startServer((_, response) => response.end(JSON.stringify(tokenAnswer)));
    const challenge = `Bearer realm="${tokens}/token",service="s",scope="repository:a/b:pull"`;
    return start({
      fault: ({ headers }) =>
        headers.authorization === "Bearer good"
          ? undefined
          : {
              kind: "status",
              status: 401,
              headers: { "www-authenticate": challenge },
            },
    });
  };

  it.each([
    { token: "good", access_token: "" },
    { token: null, access_token: "good", expires_in: null, issued_at: null },
    { token: "good", expires_in: "300" },
    { token: "good", expires_in: -1, refresh_token: 7 },
    { token: "", access_token: "good", expires_in: "soon" },
  ])("are accepted with unexpected fields: %j", async (tokenAnswer) => {
    const registry = await answering(tokenAnswer);

    expect((await resolve(`${registry.host}/a/b:1`)).root.digest).toBe(image.root.digest);
  });

  it.each([{}, { token: "", access_token: null }, [], "good"])(
    "are rejected without a token: %j",
    async (tokenAnswer) => {
      const registry = await answering(tokenAnswer);

      await expect(resolve(`${registry.host}/a/b:1`)).rejects.toMatchObject({
        code: "REGISTRY_AUTH",
      });
    },
  );

  it("that refuse a password do not prevent access to public repositories, and are reported once", async () => {
    const notes: string[] = [];
    const registry = await start({
      login: { scheme: "bearer", ...LOGIN, anonymousPull: true },
    });
    const client = new RegistryClient({
      settings: defaultSettings(),
      env: authFor(registry.host, {
        auth: basic({ user: "viola", password: "expired" }),
      }),
      home: folder,
      firstDelayMs: 1,
      onNote: (message) => notes.push(message),
    });
    onTestFinished(() => client.close());

    const found = await new RegistrySource(client).resolveImage(
      imageUse(`${registry.host}/a/b:1`),
      [amd64],
      signal,
    );

    expect(found.root.digest).toBe(image.root.digest);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain("DOCKER_AUTH_CONFIG");
    expect(notes[0]).not.toContain("expired");
  });
});

describe("expired signed URLs", () => {
  const EXPIRED = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";

  /**
   * A registry that redirects to a storage service, which accepts the URL only after this number of
   * expired ones.
   */
  const storing = async (expiredFirst: number): Promise<EmbeddedRegistry> => {
    let left = expiredFirst;
    const store = await start({
      fault: () => (left-- > 0 ? { kind: "status", status: 403, body: EXPIRED } : undefined),
    });
    return start({
      fault: ({ kind }) => (kind === "base" ? undefined : { kind: "redirect", to: store.url }),
    });
  };
  const layer = () => image.platforms[0]!.layers[0]!;
  const stream = (registry: EmbeddedRegistry): Promise<Buffer> => {
    const source = {
      kind: "registry",
      registry: registry.host,
      repository: "a/b",
    } as const;
    return buffer(streamBlob({ descriptor: layer(), source, image: "test" }, newClient(), signal));
  };

  it("are requested again, for manifests and for blobs", async () => {
    const registry = await storing(1);
    expect((await resolve(`${registry.host}/a/b:1`)).root.digest).toBe(image.root.digest);
    expect(digestOf(await stream(await storing(1)))).toBe(layer().digest);
  });

  it("are reported with the response of the storage service when they are never valid", async () => {
    const registry = await storing(Infinity);

    await expect(resolve(`${registry.host}/a/b:1`)).rejects.toThrow("Request has expired");
    await expect(stream(registry)).rejects.toThrow("Request has expired");
  });
});

describe("indexes of which a registry has a part", () => {
  it("provide the requested platforms, and report which manifests are absent", async () => {
    const [present, missing] = image.platforms.map(({ manifest }) => manifest.digest);
    const registry = await start({
      fault: ({ reference }) => (reference === missing ? { kind: "status", status: 404 } : undefined),
    });

    const found = await resolve(`${registry.host}/a/b:1`);

    expect(found.root.digest).toBe(image.root.digest);
    expect(found.platforms.map(({ manifest }) => manifest.digest)).toEqual([present]);
    expect(found.absent?.map(({ digest }) => digest)).toEqual([missing]);
    expect(found.manifests.map(({ digest }) => digest)).not.toContain(missing);
    await expect(resolve(`${registry.host}/a/b:1`, { platforms: [arm64] })).rejects.toMatchObject({
      code: "IMAGE_PLATFORM_MISSING",
      subject: `${registry.host}/a/b:1`,
    });
  });

  it("do not hide that a registry is unavailable", async () => {
    const missing = image.platforms[1]!.manifest.digest;
    const registry = await start({
      fault: ({ reference }) => (reference === missing ? { kind: "status", status: 503 } : undefined),
    });

    await expect(resolve(`${registry.host}/a/b:1`)).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
    });
  });
});

describe("kinds of images", () => {
  it("finds a platform inside a nested index", async () => {
    const registry = await start();
    const outer = await put(registry, OCI_INDEX, "nested", {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [image.root],
    });

    const found = await resolve(`${registry.host}/a/b:nested`, {
      platforms: [arm64],
    });

    expect(found.root).toEqual(outer);
    expect(found.manifests.map(({ digest }) => digest)).toContain(image.root.digest);
    expect(found.platforms[0]!.manifest.digest).toBe(image.platforms[1]!.manifest.digest);
  });

  it("reads the config when the index states no platform", async () => {
    const registry = await start();
    await put(registry, OCI_INDEX, "silent", {
      schemaVersion: 2,
      manifests: image.platforms.map(({ manifest }) => manifest),
    });

    const found = await resolve(`${registry.host}/a/b:silent`, {
      platforms: [arm64],
    });

    expect(found.platforms).toMatchObject([{ platform: arm64, manifest: image.platforms[1]!.manifest }]);
  });

  it("lists the existing platforms when one is missing", async () => {
    const registry = await start();

    const failure = resolve(`${registry.host}/a/b:1`, {
      platforms: [parsePlatform("linux/s390x")],
    });

    await expect(failure).rejects.toMatchObject({
      code: "IMAGE_PLATFORM_MISSING",
    });
    await expect(failure).rejects.toThrow("linux/amd64, linux/arm64");
    await expect(failure).rejects.not.toThrow("unknown/unknown");
  });

  it("rejects schema 1 and artifacts", async () => {
    const registry = await start();
    const { config, layers } = image.platforms[0]!;
    const artifact = {
      ...config,
      mediaType: "application/vnd.cncf.helm.config.v1+json",
    };
    await put(registry, OCI_MANIFEST, "chart", {
      schemaVersion: 2,
      config: artifact,
      layers,
    });
    await put(registry, "application/vnd.docker.distribution.manifest.v1+prettyjws", "old", {
      schemaVersion: 1,
    });

    for (const tag of ["chart", "old"]) {
      await expect(resolve(`${registry.host}/a/b:${tag}`)).rejects.toMatchObject({
        code: "IMAGE_UNSUPPORTED",
      });
    }
  });

  it("rejects a response that is not a manifest", async () => {
    const registry = await start();
    await put(registry, "text/html", "page", "<html>Please log in to the hotel network</html>");

    await expect(resolve(`${registry.host}/a/b:page`)).rejects.toMatchObject({
      code: "REGISTRY_ANSWER_INVALID",
    });
  });
});

describe("proxies", () => {
  it("uses HTTP_PROXY, but not for this machine", async () => {
    const proxy = await start();
    const env = { HTTP_PROXY: proxy.url };
    const mirrors = new Map([["quay.io", { endpoints: ["http://registry.test"], only: true }]]);

    const through = await resolve("quay.io/a/b:1", {
      settings: { mirrors },
      env,
    });
    const direct = await resolve(`${proxy.host}/a/b:1`, {
      env: { HTTP_PROXY: "http://127.0.0.1:1" },
    });

    expect(through.root.digest).toBe(image.root.digest);
    expect(proxy.requests[0]!.path).toMatch(/^http:\/\/registry\.test\//);
    expect(direct.root.digest).toBe(image.root.digest);
  });
});

async function startServer(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      answer(request, response, body);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
