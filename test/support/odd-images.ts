// Images of unusual forms that registries hold, each generated in a folder of blobs.
import { mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { makeImage } from "../../scripts/parts/images.js";
import { blobPath } from "../../scripts/parts/layers.js";
import {
  DOCKER_LAYER,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  type Descriptor,
} from "../../src/core/oci/descriptor.js";
import { digestOf } from "../../src/core/oci/digest.js";

/** Returns what a tag points to. `seed` makes the content unique. */
export type OddImage = (folder: string, seed: string) => Descriptor;

interface LayerForm {
  readonly mediaType: string;
  readonly compress: (tar: Uint8Array) => Uint8Array;
}

const GZIP: LayerForm = { mediaType: `${OCI_LAYER}+gzip`, compress: (tar) => gzipSync(tar) };
const AMD64 = { os: "linux", architecture: "amd64" };
const ARM64 = { os: "linux", architecture: "arm64" };
const CREATED = "2024-11-15T00:00:00Z";
const END_OF_TAR = Buffer.alloc(1024);

function put(folder: string, mediaType: string, content: unknown): Descriptor {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
  const digest = digestOf(bytes);
  mkdirSync(blobPath(folder, "sha256:"), { recursive: true });
  writeFileSync(blobPath(folder, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

/** A tar with one small file. */
function tarOf(text: string): Buffer {
  const block = Buffer.alloc(512);
  const body = Buffer.alloc(512);
  body.write(text.slice(0, 500));
  block.write(`file-${digestOf(text).slice(7, 27)}`, 0);
  block.write("0000644\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${Math.min(text.length, 500).toString(8).padStart(11, "0")}\0`, 124);
  block.write("14524770000\0", 136);
  block.write("        0", 148);
  block.write("ustar\0" + "00", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([block, body, END_OF_TAR]);
}

/** A manifest whose parts can be replaced. */
function single(
  folder: string,
  seed: string,
  {
    tars = [tarOf(seed)],
    form = GZIP,
    config = {},
    configType = OCI_CONFIG,
    manifest = {},
  }: {
    readonly tars?: readonly Uint8Array[];
    readonly form?: LayerForm;
    /** Fields of the config; undefined removes one. */
    readonly config?: Readonly<Record<string, unknown>>;
    readonly configType?: string;
    /** Fields of the manifest. */
    readonly manifest?: Readonly<Record<string, unknown>>;
  } = {},
): Descriptor {
  const layers = tars.map((tar) => put(folder, form.mediaType, form.compress(tar)));
  const configBlob = put(folder, configType, {
    ...AMD64,
    created: CREATED,
    config: { Entrypoint: ["/opt/program"], Labels: { seed } },
    rootfs: { type: "layers", diff_ids: tars.map(digestOf) },
    history: tars.map(() => ({ created: CREATED, created_by: "RUN step" })),
    ...config,
  });
  return put(folder, OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: configBlob,
    layers,
    ...manifest,
  });
}

function index(folder: string, manifests: readonly unknown[]): Descriptor {
  return put(folder, OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests });
}

const generated =
  (mediaTypes: "oci" | "docker", isIndex: boolean): OddImage =>
  (folder, seed) =>
    makeImage(folder, { seed, mediaTypes, layers: [3000, { seed: "shared", bytes: 2000 }], index: isIndex })
      .root;
const zstd = (mediaType: string): LayerForm => ({ mediaType, compress: zstdFrame });
const plain = (mediaType: string): LayerForm => ({ mediaType, compress: (tar) => tar });
const foreign =
  (mediaType: string): OddImage =>
  (folder, seed) =>
    single(folder, seed, { form: { ...GZIP, mediaType } });

/** Images that `docker pull` and containerd take. */
export const USUAL_IMAGES: Readonly<Record<string, OddImage>> = {
  "OCI index": generated("oci", true),
  "Docker list": generated("docker", true),
  "OCI manifest": generated("oci", false),
  "Docker manifest": generated("docker", false),
};

/** Images that some programs refuse, and others take. */
export const ODD_IMAGES: Readonly<Record<string, OddImage>> = {
  "zstd layer": (folder, seed) => single(folder, seed, { form: zstd(`${OCI_LAYER}+zstd`) }),
  "Docker layer with zstd": (folder, seed) => single(folder, seed, { form: zstd(`${DOCKER_LAYER}.zstd`) }),
  "plain layer": (folder, seed) => single(folder, seed, { form: plain(OCI_LAYER) }),
  "plain Docker layer": (folder, seed) => single(folder, seed, { form: plain(DOCKER_LAYER) }),
  "empty layer": (folder, seed) => single(folder, seed, { tars: [END_OF_TAR, tarOf(seed), END_OF_TAR] }),
  "one layer twice": (folder, seed) => single(folder, seed, { tars: [tarOf(seed), tarOf(seed)] }),
  "no layers": (folder, seed) => single(folder, seed, { tars: [] }),
  "null layers": (folder, seed) => single(folder, seed, { tars: [], manifest: { layers: null } }),
  "no history": (folder, seed) => single(folder, seed, { config: { history: undefined } }),
  "null history": (folder, seed) => single(folder, seed, { config: { history: null, created: null } }),
  "no platform in the config": (folder, seed) =>
    index(folder, [
      {
        ...single(folder, seed, { config: { os: undefined, architecture: undefined } }),
        platform: AMD64,
      },
    ]),
  "no media type in the manifest": (folder, seed) =>
    single(folder, seed, { manifest: { mediaType: undefined } }),
  "absent platform": (folder, seed) =>
    index(folder, [
      { ...single(folder, seed), platform: AMD64 },
      { mediaType: OCI_MANIFEST, digest: digestOf(`absent ${seed}`), size: 500, platform: ARM64 },
    ]),
  "nested index": (folder, seed) =>
    index(folder, [{ ...index(folder, [{ ...single(folder, seed), platform: AMD64 }]) }]),
  "index without platforms": (folder, seed) => index(folder, [single(folder, seed)]),
  "two platforms that only configs state": (folder, seed) =>
    index(folder, [single(folder, seed), single(folder, `${seed} arm`, { config: ARM64 })]),
  "two manifests of a platform": (folder, seed) =>
    index(folder, [
      { ...single(folder, seed), platform: AMD64 },
      { ...single(folder, `${seed} other`), platform: AMD64 },
    ]),
  "artifact in the index": (folder, seed) =>
    index(folder, [
      { ...single(folder, seed), platform: AMD64 },
      single(folder, `${seed} signature`, { configType: "application/vnd.oci.empty.v1+json" }),
    ]),
  "subject and annotations": (folder, seed) =>
    single(folder, seed, {
      manifest: {
        annotations: { "org.opencontainers.image.source": seed },
        subject: { mediaType: OCI_MANIFEST, digest: digestOf(`subject ${seed}`), size: 400 },
      },
    }),
  "other platform only": (folder, seed) =>
    index(folder, [{ ...single(folder, seed, { config: ARM64 }), platform: ARM64 }]),
  "foreign layer": foreign("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
  "non-distributable layer": foreign("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
  "layer of another kind": (folder, seed) =>
    single(folder, seed, { form: { ...GZIP, mediaType: "application/vnd.wasm.content.layer.v1+wasm" } }),
  "encrypted layer": (folder, seed) =>
    single(folder, seed, { form: { ...GZIP, mediaType: `${OCI_LAYER}+gzip+encrypted` } }),
  artifact: (folder, seed) =>
    single(folder, seed, {
      configType: "application/vnd.oci.empty.v1+json",
      manifest: { artifactType: "application/vnd.example" },
    }),
  "no rootfs": (folder, seed) => single(folder, seed, { config: { rootfs: undefined } }),
  "signature with an image config": (folder, seed) =>
    single(folder, seed, {
      form: plain("application/vnd.dev.cosign.simplesigning.v1+json"),
      config: { os: "", architecture: "" },
    }),
  "too few diff ids": (folder, seed) =>
    single(folder, seed, { config: { rootfs: { type: "layers", diff_ids: [] } } }),
  "another diff id": (folder, seed) =>
    single(folder, seed, { config: { rootfs: { type: "layers", diff_ids: [digestOf(seed)] } } }),
  "empty config": (folder, seed) => index(folder, [{ ...emptyConfig(folder, seed), platform: AMD64 }]),
};

/** A frame of Zstandard with one raw block (RFC 8878, 3.1.1). Node 20 has no encoder. */
function zstdFrame(bytes: Uint8Array): Uint8Array {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(bytes.length, 5);
  head.writeUIntLE((bytes.length << 3) | 1, 9, 3);
  return Buffer.concat([head, bytes]);
}

function emptyConfig(folder: string, seed: string): Descriptor {
  return put(folder, OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: put(folder, OCI_CONFIG, {}),
    layers: [put(folder, GZIP.mediaType, GZIP.compress(tarOf(seed)))],
  });
}
