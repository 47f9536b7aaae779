// A large blob that is read slowly is not buffered in memory.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from "../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../src/core/oci/digest.js";
import { ROOT } from "../../support/paths.js";
import { mustRun } from "../../support/run.js";

const MEGABYTE = 1_000_000;
const BLOB_BYTES = 600 * MEGABYTE;
const LIMIT_BYTES = 150 * MEGABYTE;

const block = Buffer.alloc(MEGABYTE);
const folder = mkdtempSync(join(tmpdir(), "viola-slow-reader-"));
const program = join(folder, "read-slowly.mjs");
let server: Server;
beforeAll(async () => {
  const hash = createHash("sha256");
  for (let sent = 0; sent < BLOB_BYTES; sent += block.length) hash.update(block);
  const config = "{}";
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: OCI_LAYER, digest: `sha256:${hash.digest("hex")}`, size: BLOB_BYTES }],
  });
  server = createServer((request, response) => {
    if (request.url?.includes("/manifests/") === true) {
      response.writeHead(200, { "content-type": OCI_MANIFEST }).end(manifest);
      return;
    }
    response.writeHead(200, { "content-length": BLOB_BYTES });
    pipeline(Readable.from(blocks()), response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  await build({
    entryPoints: [join(ROOT, "test/support/read-slowly.ts")],
    outfile: program,
    bundle: true,
    format: "esm",
    platform: "node",
    banner: { js: 'import { createRequire as r } from "node:module"; const require = r(import.meta.url);' },
  });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true });
});

function* blocks(): Iterable<Buffer> {
  for (let sent = 0; sent < BLOB_BYTES; sent += block.length) yield block;
}

it.each([
  ["serve", "a node that pulls through the server of a rehearsal"],
  ["inspect", "the search of an operator's image"],
])("%s: %s", async (mode) => {
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const peak = Number(await mustRun(process.execPath, [program, mode, host, "a/b", "1"]));

  console.log(
    `${mode}: peak RSS ${Math.round(peak / MEGABYTE)} MB for a blob of ${BLOB_BYTES / MEGABYTE} MB`,
  );
  expect(peak).toBeLessThan(LIMIT_BYTES);
});
