// The bundle as a registry: the responses to a client.
import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blobPath } from "../../../scripts/parts/layers.js";
import { serveBundle } from "../../../src/adapters/bundle-registry/server.js";
import type { ServedBundle } from "../../../src/core/bundle/bundle-server.js";
import { digestOf } from "../../../src/core/oci/digest.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { bundleOf } from "../../support/bundle-of.js";

const folder = mkdtempSync(join(tmpdir(), "viola-serve-"));
let bundle: OpenBundle;
let served: ServedBundle;
let sent = 0;
beforeAll(async () => {
  bundle = await bundleOf(folder, "served", [
    { reference: "quay.io/a/b:1", seed: "a", mediaTypes: "oci", layers: [1_000_000] },
    { reference: "quay.io/a/b:2", seed: "b", mediaTypes: "oci", layers: [1_000] },
  ]);
  served = await serveBundle(bundle, {
    address: "127.0.0.1",
    onSent: (_, bytes) => {
      sent += bytes;
    },
  });
});
afterAll(async () => {
  await served.close();
  rmSync(folder, { recursive: true });
});

const ask = (path: string, init: RequestInit = {}, client = "test"): Promise<Response> =>
  fetch(`http://127.0.0.1:${served.port}${served.pathFor(client)}${path}`, init);
const image = (): OpenBundle["inventory"]["images"][number] => bundle.inventory.images[0]!;
const layer = (): { digest: string; size: number } => image().platforms[0]!.layers[0]!;

test("a manifest is served unchanged, with media type and digest", async () => {
  const response = await ask("/v2/a/b/manifests/1?ns=quay.io");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe(image().mediaType);
  expect(response.headers.get("docker-content-digest")).toBe(image().digest);
  expect(digestOf(new Uint8Array(await response.arrayBuffer()))).toBe(image().digest);
});

test("HEAD returns the size without content", async () => {
  const before = sent;
  const response = await ask(`/v2/a/b/blobs/${layer().digest}`, { method: "HEAD" });
  expect(response.headers.get("content-length")).toBe(String(layer().size));
  expect(sent).toBe(before);
});

test("a blob matches its digest, and is counted for the client", async () => {
  const response = await ask(`/v2/a/b/blobs/${layer().digest}`, {}, "node 1");
  expect(digestOf(new Uint8Array(await response.arrayBuffer()))).toBe(layer().digest);
  expect(served.sentBytes("node 1")).toBe(layer().size);
  expect(served.sentBytes("node 2")).toBe(0);
});

test("a range returns exactly these bytes", async () => {
  const response = await ask(`/v2/a/b/blobs/${layer().digest}`, {
    headers: { range: "bytes=700000-700009" },
  });
  expect(response.status).toBe(206);
  expect(response.headers.get("content-range")).toBe(`bytes 700000-700009/${layer().size}`);
  const whole = readFileSync(blobPath(folder, layer().digest));
  expect(Buffer.from(await response.arrayBuffer())).toEqual(whole.subarray(700_000, 700_010));
});

test("a range outside the blob is rejected", async () => {
  const response = await ask(`/v2/a/b/blobs/${layer().digest}`, { headers: { range: "bytes=99000000-" } });
  expect(response.status).toBe(416);
});

test("content that the client has is not sent again", async () => {
  const path = `/v2/a/b/blobs/${layer().digest}`;
  const tag = (await ask(path, { method: "HEAD" })).headers.get("etag") ?? "";
  const response = await ask(path, { headers: { "if-none-match": tag } });
  expect(response.status).toBe(304);
  expect(response.headers.get("etag")).toBe(tag);
  expect(await response.text()).toBe("");
});

test("a list is read page by page, at the place where the first page was read", async () => {
  const list = await ask("/v2/_catalog?n=0&ns=quay.io");
  expect(await list.json()).toEqual({ repositories: [] });
  const first = await ask("/v2/a/b/tags/list?n=1&ns=quay.io");
  expect(await first.json()).toEqual({ name: "a/b", tags: ["1"] });
  const [, next = ""] = /^<([^>]+)>; rel="next"$/.exec(first.headers.get("link") ?? "") ?? [];
  const second = await fetch(new URL(next, first.url));
  expect(await second.json()).toEqual({ name: "a/b", tags: ["2"] });
  expect(second.headers.get("link")).toBeNull();
  expect((await ask("/v2/a/b/tags/list?n=x&ns=quay.io")).status).toBe(400);
});

test("nothing is served without the key", async () => {
  const base = `http://127.0.0.1:${served.port}`;
  for (const path of ["/v2/", "/", `/${"0".repeat(32)}/test/v2/`, "//", "/%E0%A4%A/x/v2/"]) {
    expect((await fetch(base + path)).status).toBe(404);
  }
});

test("write requests are rejected", async () => {
  const response = await ask("/v2/a/b/blobs/uploads/", { method: "POST" });
  expect(response.status).toBe(405);
});

test("unknown content has the errors of a registry", async () => {
  const response = await ask("/v2/a/b/manifests/3?ns=quay.io");
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ errors: [{ code: "MANIFEST_UNKNOWN" }] });
});

test("a client that disconnects does not affect others, and close ends open connections", async () => {
  const own = await serveBundle(bundle, { address: "127.0.0.1" });
  const path = `${own.pathFor("rude")}/v2/a/b/blobs/${layer().digest}`;
  const request = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const rude = connect(own.port, "127.0.0.1", () => rude.write(request));
  await new Promise((resolve) => rude.once("data", resolve));
  rude.destroy();
  const response = await fetch(`http://127.0.0.1:${own.port}${path}`);
  expect((await response.arrayBuffer()).byteLength).toBe(layer().size);

  const idle = connect(own.port, "127.0.0.1", () => idle.write(request));
  await new Promise((resolve) => idle.once("data", resolve));
  idle.pause();
  idle.on("error", () => undefined);
  const gone = new Promise((resolve) => idle.once("close", resolve));
  await own.close();
  idle.resume();
  await gone;
  await expect(fetch(`http://127.0.0.1:${own.port}/`)).rejects.toThrow();
});

test("a bundle that is truncated while it is served is reported immediately, and when serving ends", async () => {
  const cut = await bundleOf(folder, "cut", [
    { reference: "quay.io/a/b:1", seed: "cut", mediaTypes: "oci", layers: [1_000_000] },
  ]);
  const failures: unknown[] = [];
  const server = await serveBundle(cut, {
    address: "127.0.0.1",
    onFailure: (cause) => {
      failures.push(cause);
    },
  });
  truncateSync(cut.file, cut.inventory.blobs.at(-1)!.offset);
  const { digest } = cut.inventory.blobs.at(-1)!;
  const url = `http://127.0.0.1:${server.port}${server.pathFor("test")}/v2/a/b/blobs/${digest}`;
  await expect(fetch(url).then((response) => response.arrayBuffer())).rejects.toThrow();
  const expected = { code: "BUNDLE_INVALID", subject: cut.file, hint: expect.any(String) as string };
  expect(failures).toMatchObject([expected]);
  await expect(server.close()).rejects.toMatchObject(expected);
});

test("a client that disconnects is not a failure of the server", async () => {
  const failures: unknown[] = [];
  const server = await serveBundle(bundle, {
    address: "127.0.0.1",
    onFailure: (cause) => {
      failures.push(cause);
    },
  });
  const path = `${server.pathFor("test")}/v2/a/b/blobs/${layer().digest}`;
  await new Promise<void>((resolve) => {
    const socket = connect(server.port, "127.0.0.1", () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`),
    );
    socket.once("data", () => {
      socket.destroy();
      resolve();
    });
  });
  await server.close();
  expect(failures).toEqual([]);
});
