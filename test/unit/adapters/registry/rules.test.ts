// Functions of the registry client: challenges, retries, endpoints, proxies, redaction.
import { describe, expect, it } from "vitest";
import { AuthorizationFailure, Authorizer, parseChallenges } from "../../../../src/adapters/registry/auth.js";
import { CredentialStore } from "../../../../src/adapters/registry/credentials.js";
import { endpointsFor, urlAt } from "../../../../src/adapters/registry/endpoints.js";
import { HttpClient } from "../../../../src/adapters/http/client.js";
import { proxyFor } from "../../../../src/adapters/http/proxy.js";
import { retryDelayMs } from "../../../../src/adapters/http/retry.js";
import { redactUrl } from "../../../../src/core/redact.js";

describe("parseChallenges", () => {
  it("reads parameters, quoted or not, with commas and escapes inside", () => {
    const header = String.raw`Bearer realm="https://auth.test/token",service=reg,scope="repository:a/b:pull,push", error="a \"b\""`;

    expect(parseChallenges(header)).toEqual([
      {
        scheme: "bearer",
        parameters: {
          realm: "https://auth.test/token",
          service: "reg",
          scope: "repository:a/b:pull,push",
          error: 'a "b"',
        },
      },
    ]);
  });

  it("reads several challenges of one header", () => {
    expect(
      parseChallenges('Negotiate, Basic realm="x", Bearer realm="y"').map(({ scheme }) => scheme),
    ).toEqual(["negotiate", "basic", "bearer"]);
  });

  it("ends at an invalid part", () => {
    expect(parseChallenges("")).toEqual([]);
    expect(parseChallenges('realm="x"')).toEqual([]);
    expect(parseChallenges('Basic realm="unclosed')).toMatchObject([{ scheme: "basic" }]);
  });
});

describe("retryDelayMs", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");

  it("doubles with each try and ends", () => {
    const delays = [1, 2, 3, 4, 5].map((tries) => retryDelayMs({ status: 503 }, tries, now, 100));

    expect(delays).toEqual([100, 200, 400, 800, undefined]);
  });

  it("follows Retry-After in seconds and as a date, up to a limit", () => {
    const after = (retryAfter: string): number | undefined =>
      retryDelayMs({ status: 429, retryAfter }, 1, now, 100);

    expect(after("7")).toBe(7000);
    expect(after("Thu, 01 Jan 2026 00:00:05 GMT")).toBe(5000);
    expect(after("Thu, 01 Jan 2015 00:00:05 GMT")).toBe(0);
    expect(after("soon")).toBe(100);
    expect(after("3600")).toBeUndefined();
  });

  it.each([200, 400, 401, 403, 404, 416, 501])("does not retry after %i", (status) => {
    expect(retryDelayMs({ status }, 1, now)).toBeUndefined();
  });

  it("retries after a dropped connection, once after a timeout, never after a refused connection", () => {
    expect(retryDelayMs({ errorCode: "ECONNRESET" }, 3, now)).toBeDefined();
    expect(retryDelayMs({ errorCode: "UND_ERR_CONNECT_TIMEOUT" }, 1, now)).toBeDefined();
    expect(retryDelayMs({ errorCode: "UND_ERR_CONNECT_TIMEOUT" }, 2, now)).toBeUndefined();
    expect(retryDelayMs({ errorCode: "ECONNREFUSED" }, 1, now)).toBeUndefined();
    expect(retryDelayMs({ errorCode: "DEPTH_ZERO_SELF_SIGNED_CERT" }, 1, now)).toBeUndefined();
  });
});

describe("endpointsFor", () => {
  const none = { mirrors: new Map(), insecure: new Set<string>() };
  const urls = (registry: string, settings: Parameters<typeof endpointsFor>[1] = none): string[] =>
    endpointsFor(registry, settings).map((endpoint) => urlAt(endpoint, "a/b", "manifests/1").href);

  it("uses only HTTPS for a registry", () => {
    expect(urls("quay.io")).toEqual(["https://quay.io/v2/a/b/manifests/1"]);
    expect(urls("127.evil.test")).toEqual(["https://127.evil.test/v2/a/b/manifests/1"]);
  });

  it("uses the API host of Docker Hub with the credentials of Docker Hub", () => {
    expect(endpointsFor("docker.io", none)).toMatchObject([
      { base: { host: "registry-1.docker.io" }, credentialHost: "docker.io" },
    ]);
  });

  it.each(["localhost:5000", "127.0.0.1:5000", "127.3.2.1"])("allows plain HTTP for %s", (host) => {
    expect(endpointsFor(host, none)).toMatchObject([
      { base: { protocol: "https:" }, fallback: false, insecure: false },
      { base: { protocol: "http:" }, fallback: true },
    ]);
  });

  it("allows plain HTTP for a host that is insecure in the settings", () => {
    expect(endpointsFor("r.test:5000", { ...none, insecure: new Set(["r.test:5000"]) })).toMatchObject([
      { base: { protocol: "https:" }, insecure: true },
      { base: { protocol: "http:" }, fallback: true },
    ]);
    expect(endpointsFor("r.test", { ...none, insecure: new Set(["r.test:5000"]) })).toHaveLength(1);
  });

  it("lists mirrors before the registry, in order, and prefers the registry's rule to the general one", () => {
    const mirrors = new Map([
      ["quay.io", { endpoints: ["http://m1.test", "https://m2.test/path/"], only: false }],
      ["*", { endpoints: ["https://all.test/live/{registry}"], only: true }],
    ]);

    expect(urls("quay.io", { ...none, mirrors })).toEqual([
      "http://m1.test/v2/a/b/manifests/1?ns=quay.io",
      "https://m2.test/v2/path/a/b/manifests/1?ns=quay.io",
      "https://quay.io/v2/a/b/manifests/1",
    ]);
    expect(urls("docker.io", { ...none, mirrors })).toEqual([
      "https://all.test/v2/live/docker.io/a/b/manifests/1?ns=docker.io",
    ]);
  });
});

describe("proxyFor", () => {
  const env = {
    HTTPS_PROXY: "http://upper:1",
    https_proxy: "http://lower:1",
    HTTP_PROXY: "plain:3128",
    NO_PROXY: "direct.test,.dot.test,port.test:8443, 10.0.0.0/8 *.star.test",
  };
  const at = (url: string, variables: Record<string, string> = env): string | undefined =>
    proxyFor(new URL(url), variables)?.href;

  it("depends on the scheme, and lower case takes precedence", () => {
    expect(at("https://quay.io")).toBe("http://lower:1/");
    expect(at("http://quay.io")).toBe("http://plain:3128/");
    expect(at("https://quay.io", {})).toBeUndefined();
  });

  it.each([
    "https://direct.test",
    "https://sub.direct.test",
    "https://a.dot.test",
    "https://a.star.test",
    "https://port.test:8443",
    "https://10.1.2.3",
    "https://localhost:5000",
    "https://127.0.0.9",
    "https://[::1]:5000",
  ])("connects to %s directly", (url) => {
    expect(at(url)).toBeUndefined();
  });

  it.each(["https://notdirect.test", "https://port.test", "https://11.1.2.3"])(
    "uses the proxy for %s",
    (url) => {
      expect(at(url)).toBeDefined();
    },
  );

  it("is disabled with *", () => {
    expect(at("https://quay.io", { ...env, NO_PROXY: "*" })).toBeUndefined();
  });
});

describe("redactUrl", () => {
  it("removes everything that may be secret", () => {
    const shown = redactUrl(new URL("https://user:pass@s3.test/blob?X-Amz-Signature=abc&ns=quay.io#part"));

    expect(shown).toBe("https://s3.test/blob?X-Amz-Signature=REDACTED&ns=quay.io");
  });
});

describe("token servers", () => {
  const http = new HttpClient({ settings: { ca: [], insecure: new Set(), env: {} }, concurrency: 1 });
  const authorizer = new Authorizer(http, new CredentialStore({ env: {}, home: "/nowhere" }));
  const resource = {
    base: new URL("https://registry.test"),
    repository: "a/b",
    credentialHost: "registry.test",
    insecure: false,
  };

  it.each([
    "http://auth.test/token",
    "https://127.0.0.1/token",
    "https://localhost/token",
    "https://169.254.169.254/latest",
    "https://10.0.0.1/token",
    "https://[::1]/token",
    "https://[fe80::1]/token",
    "https://[::ffff:10.0.0.1]/token",
    "ftp://auth.test",
    // docker, containerd and skopeo send their request to the realm as it is, and fail.
    "/token",
    "//registry.test/token",
    "token",
    "",
  ])("are rejected at %j", async (realm) => {
    const answer = authorizer.answer(
      resource,
      `Bearer realm="${realm}",service="x"`,
      undefined,
      new AbortController().signal,
    );

    await expect(answer).rejects.toBeInstanceOf(AuthorizationFailure);
  });
});
