// Generates realistic images without a builder: multi-platform indexes, attestations, OCI or Docker
// media types, shared layers.
import { existsSync, renameSync, writeFileSync } from "node:fs";
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  type Descriptor,
  type Platform,
} from "../../src/core/oci/descriptor.js";
import { digestOf } from "../../src/core/oci/digest.js";
import { formatPlatform } from "../../src/core/oci/platform.js";
import { blobPath, makeLayer, type LayerOptions, type MadeLayer } from "./layers.js";

/** A description of an image. The same description gives the same bytes. */
export interface ImageOptions {
  /** Seed of all bytes outside shared layers. */
  readonly seed: string;
  readonly mediaTypes: "oci" | "docker";
  /** Layers, base first. A number is the approximate gzip size of an unshared layer in bytes. */
  readonly layers: readonly (number | LayerOptions)[];
  /**
   * The first has the layers above, others have small layers. Default: linux/amd64, linux/arm64.
   */
  readonly platforms?: readonly Platform[];
  /** False for a manifest of the first platform without an index. Default: true. */
  readonly index?: boolean;
  /**
   * Adds an attestation as buildx does (`unknown/unknown`). Default: true for an OCI index only.
   */
  readonly attestation?: boolean;
  /** Diff ids in the config. Default: those of the layers. */
  readonly diffIds?: readonly string[];
}

/** One platform of a generated image. */
export interface MadePlatform {
  readonly platform: Platform;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly uncompressedSize: number;
}

/** A generated image. All its bytes are in the blob folder under their digests (`blobPath`). */
export interface MadeImage {
  /** What a tag points to. */
  readonly root: Descriptor;
  /** Manifests below the root, including the attestation; empty if the root is a manifest. */
  readonly children: readonly Descriptor[];
  /** Every config and layer once. */
  readonly blobs: readonly Descriptor[];
  readonly platforms: readonly MadePlatform[];
}

const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const IN_TOTO = "application/vnd.in-toto+json";
const CREATED = "2024-11-15T00:00:00Z";
const DEFAULT_PLATFORMS: readonly Platform[] = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
];
/** Gzip size in bytes of each layer of the other platforms. */
const SMALL_LAYER_BYTES = 4000;

/** Generates an image in a blob folder. Existing layers are reused. */
export function makeImage(folder: string, options: ImageOptions): MadeImage {
  const platforms = options.platforms ?? DEFAULT_PLATFORMS;
  const made = (options.index === false ? platforms.slice(0, 1) : platforms).map((platform, number) =>
    makePlatform(folder, options, platform, number === 0),
  );
  const [first] = made;
  if (first === undefined) throw new Error(`image ${options.seed}: no platform is given`);
  if (options.index === false) {
    return { root: first.manifest, children: [], blobs: blobsOf(made), platforms: made };
  }

  const attestation =
    (options.attestation ?? options.mediaTypes === "oci")
      ? makeAttestation(folder, first.manifest.digest)
      : undefined;
  const children = [
    ...made.map(({ manifest, platform }) => ({ ...manifest, platform })),
    ...(attestation === undefined ? [] : [attestation.manifest]),
  ];
  const mediaType = options.mediaTypes === "oci" ? OCI_INDEX : DOCKER_INDEX;
  const root = writeJson(folder, mediaType, { schemaVersion: 2, mediaType, manifests: children });
  return { root, children, blobs: [...blobsOf(made), ...(attestation?.blobs ?? [])], platforms: made };
}

function makePlatform(
  folder: string,
  options: ImageOptions,
  platform: Platform,
  main: boolean,
): MadePlatform {
  const name = formatPlatform(platform);
  const layers = options.layers.map((layer, number): MadeLayer => {
    const own = { seed: `${options.seed} ${name} ${number}`, bytes: typeof layer === "number" ? layer : 0 };
    if (!main) return makeLayer(folder, { ...own, bytes: SMALL_LAYER_BYTES });
    return makeLayer(folder, typeof layer === "number" ? own : layer);
  });
  const oci = options.mediaTypes === "oci";
  const config = writeJson(folder, oci ? OCI_CONFIG : DOCKER_CONFIG, {
    ...platform,
    created: CREATED,
    config: {
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      Entrypoint: ["/opt/program"],
      Labels: { "org.opencontainers.image.title": options.seed },
    },
    rootfs: { type: "layers", diff_ids: options.diffIds ?? layers.map(({ diffId }) => diffId) },
    history: layers.map((_, number) => ({ created: CREATED, created_by: `RUN step-${number}` })),
  });
  const descriptors = layers.map(({ digest, size }) => ({
    mediaType: oci ? `${OCI_LAYER}+gzip` : DOCKER_LAYER,
    digest,
    size,
  }));
  const mediaType = oci ? OCI_MANIFEST : DOCKER_MANIFEST;
  return {
    platform,
    manifest: writeJson(folder, mediaType, { schemaVersion: 2, mediaType, config, layers: descriptors }),
    config,
    layers: descriptors,
    uncompressedSize: layers.reduce((sum, layer) => sum + layer.uncompressedSize, 0),
  };
}

/**
 * What `docker buildx build --provenance` adds
 * (https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md).
 */
function makeAttestation(
  folder: string,
  subject: string,
): { manifest: Descriptor; blobs: readonly Descriptor[] } {
  const predicate = "https://slsa.dev/provenance/v0.2";
  const statement = writeJson(folder, IN_TOTO, {
    _type: "https://in-toto.io/Statement/v0.1",
    predicateType: predicate,
    subject: [{ name: "image", digest: { sha256: subject.slice("sha256:".length) } }],
    predicate: {},
  });
  const config = writeJson(folder, OCI_CONFIG, {
    architecture: "unknown",
    os: "unknown",
    config: {},
    rootfs: { type: "layers", diff_ids: [statement.digest] },
  });
  const manifest = writeJson(folder, OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers: [{ ...statement, annotations: { "in-toto.io/predicate-type": predicate } }],
  });
  return {
    manifest: {
      ...manifest,
      platform: { architecture: "unknown", os: "unknown" },
      annotations: {
        "vnd.docker.reference.digest": subject,
        "vnd.docker.reference.type": "attestation-manifest",
      },
    },
    blobs: [config, statement],
  };
}

function blobsOf(platforms: readonly MadePlatform[]): readonly Descriptor[] {
  const all = platforms.flatMap(({ config, layers }) => [config, ...layers]);
  return [...new Map(all.map((blob) => [blob.digest, blob])).values()];
}

function writeJson(folder: string, mediaType: string, value: unknown): Descriptor {
  const bytes = Buffer.from(JSON.stringify(value, null, 2));
  const digest = digestOf(bytes);
  const file = blobPath(folder, digest);
  // Another process may write the same file and must not read it half written.
  if (!existsSync(file)) {
    writeFileSync(`${file}.${process.pid}`, bytes);
    renameSync(`${file}.${process.pid}`, file);
  }
  return { mediaType, digest, size: bytes.length };
}
