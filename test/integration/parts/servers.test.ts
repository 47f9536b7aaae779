// The servers in this process: their responses to real clients, and the requested faults.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { startChartRepository } from "../../../scripts/parts/chart-repository.js";
import {
  startEmbeddedRegistry,
  type EmbeddedRegistry,
  type EmbeddedRegistryOptions,
} from "../../../scripts/parts/embedded-registry.js";
import { makeImage, type MadeImage } from "../../../scripts/parts/images.js";
import { pushImage } from "../../../scripts/parts/push.js";
import type { Fault } from "../../../scripts/parts/registry-faults.js";
import { digestOf } from "../../../src/core/oci/digest.js";
import { needs } from "../../support/parts.js";
import { mustRun } from "../../support/run.js";

let folder = "";
let image: MadeImage;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "viola-servers-"));
  image = makeImage(folder, { seed: "served", mediaTypes: "oci", layers: [20_000, 30_000] });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function startRegistry(options: EmbeddedRegistryOptions = {}): Promise<EmbeddedRegistry> {
  const registry = await startEmbeddedRegistry(options);
  onTestFinished(() => registry.close());
  registry.addImage(folder, image, "a/b", "1");
  return registry;
}
function layerUrl(registry: EmbeddedRegistry): string {
  return `${registry.url}/v2/a/b/blobs/${layer().digest}`;
}
function layer(): { readonly digest: string; readonly size: number } {
  return image.platforms[0]!.layers[0]!;
}
const onBlobs =
  (fault: Fault): NonNullable<EmbeddedRegistryOptions["fault"]> =>
  ({ kind }) =>
    kind === "blob" ? fault : undefined;
const bytesOf = async (url: string, init?: RequestInit): Promise<Buffer> =>
  Buffer.from(await (await fetch(url, init)).arrayBuffer());

describe("the embedded registry", () => {
  test("serves the manifest bytes of a tag, with their digest", async () => {
    const registry = await startRegistry();
    const answer = await fetch(`${registry.url}/v2/a/b/manifests/1`);
    expect(answer.headers.get("docker-content-digest")).toBe(image.root.digest);
    expect(answer.headers.get("content-type")).toBe(image.root.mediaType);
    expect(digestOf(Buffer.from(await answer.arrayBuffer()))).toBe(image.root.digest);
  });

  test("serves a blob whole and by range", async () => {
    const registry = await startRegistry();
    const whole = await bytesOf(layerUrl(registry));
    expect(digestOf(whole)).toBe(layer().digest);
    const part = await fetch(layerUrl(registry), { headers: { range: "bytes=100-" } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(100));
  });

  test("returns 404 in another repository", async () => {
    const registry = await startRegistry();
    expect((await fetch(`${registry.url}/v2/other/manifests/1`)).status).toBe(404);
    expect((await fetch(layerUrl(registry).replace("a/b", "other"))).status).toBe(404);
  });

  test("accepts a push", async () => {
    const registry = await startRegistry();
    await expect(pushImage({ url: registry.url }, folder, image, "pushed/c", "2")).resolves.toBe(true);
    expect(digestOf(await bytesOf(layerUrl(registry).replace("a/b", "pushed/c")))).toBe(layer().digest);
    await expect(pushImage({ url: registry.url }, folder, image, "pushed/c", "2")).resolves.toBe(false);
  });

  test("refuses requests without a token of its token endpoint", async () => {
    const registry = await startRegistry({ login: { scheme: "bearer", user: "u", password: "p" } });
    const refused = await fetch(layerUrl(registry));
    expect(refused.status).toBe(401);
    const realm = /realm="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "")?.[1] ?? "";
    expect((await fetch(realm)).status).toBe(401);
    const authorization = `Basic ${Buffer.from("u:p").toString("base64")}`;
    const { token } = (await (await fetch(realm, { headers: { authorization } })).json()) as {
      token: string;
    };
    expect((await fetch(layerUrl(registry), { headers: { authorization: `Bearer ${token}` } })).status).toBe(
      200,
    );
  });

  test("counts the attempts, so that a fault can be temporary", async () => {
    const registry = await startRegistry({
      fault: ({ kind, attempt }) =>
        kind === "blob" && attempt === 1
          ? { kind: "status", status: 429, headers: { "retry-after": "1" } }
          : undefined,
    });
    const first = await fetch(layerUrl(registry));
    expect([first.status, first.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await fetch(layerUrl(registry))).status).toBe(200);
  });

  test("truncates, corrupts, drops, ignores ranges and is slow as configured", async () => {
    const truncated = await startRegistry({ fault: onBlobs({ kind: "truncate", after: 10 }) });
    await expect(bytesOf(layerUrl(truncated))).rejects.toThrow();
    const corrupt = await bytesOf(layerUrl(await startRegistry({ fault: onBlobs({ kind: "corrupt" }) })));
    expect(corrupt).toHaveLength(layer().size);
    expect(digestOf(corrupt)).not.toBe(layer().digest);
    const dropped = await startRegistry({ fault: onBlobs({ kind: "drop" }) });
    await expect(fetch(layerUrl(dropped))).rejects.toThrow();
    const deaf = await startRegistry({ fault: onBlobs({ kind: "ignore-range" }) });
    expect(await bytesOf(layerUrl(deaf), { headers: { range: "bytes=5-" } })).toHaveLength(layer().size);
    const slow = await startRegistry({ fault: onBlobs({ kind: "slow", bytes: 8000, pauseMilliseconds: 1 }) });
    expect(digestOf(await bytesOf(layerUrl(slow)))).toBe(layer().digest);
  });

  test("redirects blobs to another origin and records whether credentials were sent", async () => {
    const other = await startRegistry();
    const registry = await startRegistry({ fault: onBlobs({ kind: "redirect", to: other.url }) });
    const headers = { authorization: "Basic dTpw" };
    expect(digestOf(await bytesOf(layerUrl(registry), { headers }))).toBe(layer().digest);
    expect(registry.requests.at(-1)?.headers.authorization).toBe("Basic dTpw");
    expect(other.requests).toHaveLength(1);
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });
});

const describeSkopeo = await needs("skopeo");
describeSkopeo("the embedded registry before skopeo", () => {
  test("is read completely with a bearer token", async () => {
    const login = { scheme: "bearer", user: "u", password: "p", anonymousPull: true } as const;
    const registry = await startRegistry({ login });
    const source = `docker://${registry.host}/a/b:1`;
    await mustRun("skopeo", ["copy", "--all", "--src-tls-verify=false", source, `oci:${folder}/copied`]);
    expect(registry.requests.filter(({ kind }) => kind === "blob").length).toBeGreaterThan(3);
  });

  test("is written to completely", async () => {
    const [from, to] = [await startRegistry(), await startRegistry()];
    const options = ["--all", "--src-tls-verify=false", "--dest-tls-verify=false"];
    await mustRun("skopeo", [
      "copy",
      ...options,
      `docker://${from.host}/a/b:1`,
      `docker://${to.host}/new/d:3`,
    ]);
    expect(digestOf(await bytesOf(`${to.url}/v2/new/d/manifests/3`))).toBe(image.root.digest);
  });
});

describe("the chart repository", () => {
  async function packageChart(name: string, version: string): Promise<Buffer> {
    const archive = pack();
    archive.entry({ name: `${name}/charts/inner/Chart.yaml` }, "name: inner\nversion: 9.9.9\n");
    archive.entry({ name: `${name}/Chart.yaml` }, `apiVersion: v2\nname: ${name}\nversion: ${version}\n`);
    archive.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    return gzipSync(Buffer.concat(chunks));
  }

  test("creates an index for a folder of packaged charts, and serves them", async () => {
    const charts = join(folder, "charts");
    mkdirSync(join(charts, "sub"), { recursive: true });
    const packaged = await packageChart("one", "1.2.3");
    writeFileSync(join(charts, "sub", "one-1.2.3.tgz"), packaged);
    const repository = await startChartRepository(charts);
    onTestFinished(() => repository.close());
    const text = await (await fetch(`${repository.url}/sub/index.yaml`)).text();
    expect(await (await fetch(`${repository.url}/sub/index.yaml`)).text()).toBe(text);
    const index = parse(text) as {
      entries: Record<string, { version: string; urls: string[]; digest: string }[]>;
    };
    expect(index.entries["one"]).toMatchObject([
      { version: "1.2.3", urls: ["one-1.2.3.tgz"], digest: digestOf(packaged).slice("sha256:".length) },
    ]);
    expect(await bytesOf(`${repository.url}/sub/one-1.2.3.tgz`)).toEqual(packaged);
    expect((await fetch(`${repository.url}/absent.tgz`)).status).toBe(404);
  });
});
