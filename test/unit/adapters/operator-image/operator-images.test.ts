// Programs in images: layers as in the container, archives, and unreadable content. The image is in
// a file, as a Docker engine saves it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OperatorImages } from "../../../../src/adapters/operator-image/operator-images.js";
import { BlobCache } from "../../../../src/adapters/blobs/blob-cache.js";
import { RegistryClient } from "../../../../src/adapters/registry/client.js";
import type { ResolvedImage } from "../../../../src/core/images/resolved-image.js";
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { makeGzipLayer, makeTar, makeZip, type LayerFile } from "../../../../scripts/parts/tar-layer.js";
import { classFile } from "../../core/finding/program/class-file.js";
import { imageUse } from "../../../support/image-use.js";

const SCRIPT = "#!/bin/sh\n";
const settings = { mirrors: new Map(), insecure: new Set<string>(), ca: [], concurrency: 1 };
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-operator-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** An image of the blobs, config first, all in one file. */
async function imageOf(
  layers: readonly { readonly bytes: Buffer; readonly mediaType: string }[],
  config: object = {},
): Promise<ResolvedImage> {
  const blobs = [{ bytes: Buffer.from(JSON.stringify(config)), mediaType: OCI_CONFIG }, ...layers];
  const file = join(folder, "saved.tar");
  await writeFile(file, Buffer.concat(blobs.map(({ bytes }) => bytes)));
  let offset = 0;
  const placed = blobs.map(({ bytes, mediaType }) => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    const source = { kind: "file" as const, file, offset };
    offset += bytes.length;
    return { descriptor, source };
  });
  const [first, ...rest] = placed;
  const manifest = { mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from("m")), size: 1 };
  return {
    use: imageUse("a/b:1"),
    names: [],
    root: manifest,
    manifests: [],
    platforms: [
      {
        platform: { os: "linux", architecture: "amd64" },
        manifest,
        config: first!.descriptor,
        layers: rest.map(({ descriptor }) => descriptor),
      },
    ],
    sources: new Map(placed.map(({ descriptor, source }) => [descriptor.digest, source])),
    rebuilt: true,
  };
}

async function read(
  image: ResolvedImage,
): Promise<{ readonly files: Readonly<Record<string, string>>; readonly notes: readonly string[] }> {
  const registry = new RegistryClient({ settings, env: {}, home: folder });
  const notes: string[] = [];
  const files: Record<string, string> = {};
  const onNote = (note: string): void => void notes.push(note);
  const images = new OperatorImages({
    registry,
    cache: new BlobCache(join(folder, "cache")),
    temporaryFolder: folder,
  });
  for await (const { path, bytes, isEntrypoint } of images.readPrograms(
    image,
    onNote,
    new AbortController().signal,
  )) {
    const text = (Buffer.isBuffer(bytes) ? bytes : bytes.read(0, bytes.size)).toString("latin1");
    files[path] = `${isEntrypoint ? "entrypoint " : ""}${text.slice(SCRIPT.length)}`;
  }
  await registry.close();
  return { files, notes };
}

const gzip = async (files: readonly LayerFile[]) => ({
  bytes: await makeGzipLayer(files),
  mediaType: `${OCI_LAYER}+gzip`,
});
const script = (path: string, text: string): LayerFile => ({ path, bytes: SCRIPT + text });

describe("layers", () => {
  it("are read as in the container, without replaced, removed and hidden files", async () => {
    const lower = [
      script("app/kept", "kept"),
      script("app/replaced", "old"),
      script("app/removed", "gone"),
      script("app/sub/below", "gone"),
      script("opaque/hidden", "gone"),
      script("opaquer/kept", "kept"),
    ];
    const upper = [
      script("app/replaced", "new"),
      { path: "app/.wh.removed" },
      { path: "app/.wh.sub" },
      { path: "opaque/.wh..wh..opq" },
      script("opaque/fresh", "new"),
    ];

    expect((await read(await imageOf([await gzip(lower), await gzip(upper)]))).files).toEqual({
      "app/replaced": "new",
      "opaque/fresh": "new",
      "app/kept": "kept",
      "opaquer/kept": "kept",
    });
  });

  it("come after the variables that the image sets, which are in its configuration", async () => {
    const config = { config: { Env: ["PATH=/bin", "WORKER_VERSION=1.2.3"] } };
    const image = await imageOf([await gzip([script("app/kept", "kept")])], config);

    const { files } = await read(image);

    expect(Object.keys(files)).toEqual(["environment", "app/kept"]);
    expect(files["environment"]).toContain("WORKER_VERSION=1.2.3");
  });

  it("may be uncompressed, with paths that begin with a dot or a slash", async () => {
    const bytes = await makeTar([script("./manager", "one"), script("/other", "two")]);

    expect((await read(await imageOf([{ bytes, mediaType: OCI_LAYER }]))).files).toEqual({
      manager: "one",
      other: "two",
    });
  });

  it("with an unknown compression cause a note, and the others are read", async () => {
    const odd = { bytes: Buffer.from("?"), mediaType: `${OCI_LAYER}+lz4` };

    const { files, notes } = await read(await imageOf([await gzip([script("manager", "one")]), odd]));

    expect(files).toEqual({ manager: "one" });
    expect(notes).toHaveLength(1);
  });

  it.each([
    ["is no gzip", Buffer.from("not gzip at all")],
    ["breaks off", undefined],
  ])("that %s is an error with the image", async (_, broken) => {
    const whole = await gzip([script("manager", "x".repeat(5000))]);
    const layer = { ...whole, bytes: broken ?? whole.bytes.subarray(0, whole.bytes.length / 2) };

    await expect(read(await imageOf([layer]))).rejects.toMatchObject({
      code: "IMAGE_UNSUPPORTED",
      subject: "docker.io/a/b:1",
    });
  });
});

describe("files", () => {
  it("that the image starts are marked, in any folder", async () => {
    const config = { config: { Entrypoint: ["tini", "--", "/usr/bin/operator"], Cmd: null } };
    const layer = await gzip([
      script("usr/bin/operator", "x"),
      script("usr/bin/tool", "x"),
      script("other", "x"),
    ]);

    expect((await read(await imageOf([layer], config))).files).toEqual({
      "usr/bin/operator": "entrypoint x",
      other: "x",
    });
  });

  it("that are neither programs nor text are skipped", async () => {
    const layer = await gzip([
      { path: "data.bin", bytes: "\0\0\0\0" },
      { path: "empty" },
      script("last", "x"),
    ]);

    expect((await read(await imageOf([layer]))).files).toEqual({ last: "x" });
  });

  it("in jars are read, also one nested archive deep, stored or deflated; a damaged jar is skipped", async () => {
    const bytes = classFile(["quay.io/acme/a:v1"]);
    const inner = makeZip({ "B.class": bytes });
    const layer = await gzip([
      {
        path: "app.jar",
        bytes: makeZip({ "A.class": bytes, "logo.png": bytes, "lib/inner.jar": inner }),
        mode: 0o644,
      },
      { path: "stored.jar", bytes: makeZip({ "C.class": bytes }, true) },
      { path: "broken.jar", bytes: "PK\x03\x04 and no more" },
    ]);

    expect(Object.keys((await read(await imageOf([layer]))).files)).toEqual([
      "app.jar!A.class",
      "app.jar!lib/inner.jar!B.class",
      "stored.jar!C.class",
    ]);
  });
});
