// Programs in layers of a registry: broken downloads are resumed, damaged layers are errors,
// suspects are looked up.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startEmbeddedRegistry, type EmbeddedRegistry } from "../../../scripts/parts/embedded-registry.js";
import type { MadeImage } from "../../../scripts/parts/images.js";
import type { Fault } from "../../../scripts/parts/registry-faults.js";
import type { RegistryLogin } from "../../../scripts/parts/registry-login.js";
import { BlobCache } from "../../../src/adapters/blobs/blob-cache.js";
import { OperatorImages } from "../../../src/adapters/operator-image/operator-images.js";
import { RegistryClient } from "../../../src/adapters/registry/client.js";
import { RegistrySource } from "../../../src/adapters/registry/registry-source.js";
import { makeProgramImage } from "../../../scripts/parts/program-image.js";
import { imageUse } from "../../support/image-use.js";

const { signal } = new AbortController();
/** Incompressible, so that the layer has about this size. */
const PROGRAM = Buffer.concat([
  Buffer.from("#!/bin/sh\n"),
  Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919 + (index >> 3) * 104_729) & 0xff)),
]);

let folder = "";
let image: MadeImage;
let layer = "";
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-operator-"));
  image = await makeProgramImage(folder, "manager", PROGRAM);
  layer = image.blobs[1]!.digest;
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Serves the image. Each request for its layer gets the next fault. */
async function serve(faults: readonly Fault[] = [], login?: RegistryLogin): Promise<EmbeddedRegistry> {
  const left = [...faults];
  const registry = await startEmbeddedRegistry({
    ...(login !== undefined && { login }),
    fault: ({ reference }) => (reference === layer ? left.shift() : undefined),
  });
  registry.addImage(folder, image, "acme/op", "1");
  closers.push(() => registry.close());
  return registry;
}

function clientOf(registry: EmbeddedRegistry): RegistryClient {
  const mirrors = new Map([["*", { endpoints: [registry.url], only: true }]]);
  const settings = { mirrors, insecure: new Set<string>(), ca: [], concurrency: 2 };
  const client = new RegistryClient({ settings, env: {}, home: folder, firstDelayMs: 1 });
  closers.unshift(() => client.close());
  return client;
}

let caches = 0;

/** Reads with an empty cache. */
function imagesOf(registry: RegistryClient): OperatorImages {
  const cache = new BlobCache(join(folder, `cache-${++caches}`));
  return new OperatorImages({ registry, cache, temporaryFolder: folder });
}

async function read(client: RegistryClient): Promise<readonly Buffer[]> {
  const use = imageUse("acme/op:1");
  const platforms = [{ os: "linux", architecture: "amd64" }];
  const resolved = await new RegistrySource(client).resolveImage(use, platforms, signal);
  const files: Buffer[] = [];
  for await (const { bytes } of imagesOf(client).readPrograms(resolved, () => undefined, signal)) {
    files.push(Buffer.isBuffer(bytes) ? bytes : bytes.read(0, bytes.size));
  }
  return files;
}

describe("a layer", () => {
  it.each<[string, readonly Fault[]]>([
    ["comes whole", []],
    ["goes on after a broken connection", [{ kind: "truncate", after: 20_000 }]],
    [
      "begins anew where the registry knows no ranges",
      [{ kind: "truncate", after: 20_000 }, { kind: "ignore-range" }],
    ],
    [
      "is asked for again after a passing refusal",
      [{ kind: "status", status: 503, headers: { "retry-after": "0" } }],
    ],
  ])("%s", async (_, faults) => {
    const files = await read(clientOf(await serve(faults)));

    expect(files).toHaveLength(1);
    expect(files[0]?.equals(PROGRAM)).toBe(true);
  });

  it("that is damaged at every try is an error with the image", async () => {
    const faults = Array.from({ length: 4 }, (): Fault => ({ kind: "corrupt" }));

    await expect(read(clientOf(await serve(faults)))).rejects.toMatchObject({ name: "ViolaError" });
  });

  it("that is missing in the registry is an error", async () => {
    const faults = Array.from({ length: 4 }, (): Fault => ({ kind: "status", status: 404 }));

    await expect(read(clientOf(await serve(faults)))).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
  });
});

describe("a suspect", () => {
  it("exists, does not exist, or is unknown to its registry", async () => {
    const open = imagesOf(clientOf(await serve()));
    const closed = imagesOf(
      clientOf(await serve([], { scheme: "basic", user: "somebody", password: "else" })),
    );

    expect(await open.hasImage("acme/op:1", signal)).toBe(true);
    expect(await open.hasImage("acme/op:2", signal)).toBe(false);
    expect(await closed.hasImage("acme/op:1", signal)).toBeUndefined();
  });

  it("cannot be looked up when the registry is unavailable", async () => {
    const registry = await serve();
    const images = imagesOf(clientOf(registry));
    await registry.close();
    closers.pop();

    await expect(images.hasImage("acme/op:1", signal)).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
    });
  });
});
