// Run as a separate process: reads a blob of a registry slowly, as the rehearsal's server or the
// operator inspection does, and prints its peak memory. Arguments: MODE HOST REPOSITORY TAG.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { serveBundle } from "../../src/adapters/bundle-registry/server.js";
import { upstreamRegistry } from "../../src/adapters/bundle-registry/upstream.js";
import { defaultSettings } from "../../src/adapters/files/user-settings.js";
import { BlobCache } from "../../src/adapters/blobs/blob-cache.js";
import { openLayer } from "../../src/adapters/operator-image/layer-stream.js";
import { RegistryClient } from "../../src/adapters/registry/client.js";
import type { Inventory } from "../../src/core/bundle/inventory.js";
import type { Descriptor } from "../../src/core/oci/descriptor.js";

/** Pauses so often that the sender on the same machine is always far ahead. */
const PAUSE_EVERY_BYTES = 4 * 1024 * 1024;
const PAUSE_MILLISECONDS = 10;

const [mode, host = "", repository = "", tag = ""] = process.argv.slice(2);
const { signal } = new AbortController();
const client = new RegistryClient({ settings: defaultSettings(), env: {}, home: "/nowhere" });
const { content } = await client.pull.fetchManifest({ registry: host, repository }, tag, "image", signal);
if (content.kind !== "manifest") throw new Error("the image has several platforms");
const [layer] = content.layers;
if (layer === undefined) throw new Error("the image has no layer");

const cacheFolder = mkdtempSync(join(tmpdir(), "viola-slow-"));
const bytes = mode === "serve" ? await readServed(layer) : await readSlowly(await openHere(layer));
if (bytes !== layer.size) throw new Error(`${bytes} of ${layer.size} bytes came`);
await client.close();
rmSync(cacheFolder, { recursive: true });
process.stdout.write(`${process.resourceUsage().maxRSS * 1024}\n`);

function openHere(descriptor: Descriptor): Promise<AsyncIterable<Uint8Array>> {
  const source = { kind: "registry", registry: host, repository } as const;
  return openLayer(
    { descriptor, source, image: "image" },
    { registry: client, cache: new BlobCache(cacheFolder) },
    signal,
  );
}

/** Lets a node pull through the server of a rehearsal. */
async function readServed({ digest }: Descriptor): Promise<number> {
  const file = join(tmpdir(), `viola-no-bundle-${process.pid}`);
  writeFileSync(file, "");
  const inventory = { images: [], blobs: [] } as unknown as Inventory;
  const upstream = upstreamRegistry(client, () => undefined, signal);
  const server = await serveBundle({ inventory, file, blobs: new Map() }, { upstream });
  const path = `http://127.0.0.1:${server.port}${server.pathFor("node")}/v2/${repository}`;
  const answer = async (what: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => get(`${path}/${what}?ns=${host}`, resolve).on("error", reject));
  (await answer(`manifests/${tag}`)).resume();
  const read = await readSlowly(await answer(`blobs/${digest}`));
  await server.close();
  return read;
}

async function readSlowly(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let read = 0;
  let pauses = 0;
  for await (const chunk of chunks) {
    read += chunk.length;
    if (read / PAUSE_EVERY_BYTES < pauses) continue;
    pauses++;
    await sleep(PAUSE_MILLISECONDS);
  }
  return read;
}
