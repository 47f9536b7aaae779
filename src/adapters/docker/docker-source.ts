// Resolves images in a Docker engine. Saves each image to a file and creates an OCI manifest for
// it.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Readable } from "node:stream";
import pLimit from "p-limit";
import * as z from "zod";
import { choosePlatforms } from "../../core/images/choose-platforms.js";
import { kubeletName, parseReference } from "../../core/images/reference.js";
import type { BlobSource, ResolvedImage } from "../../core/images/resolved-image.js";
import type { ImageUse } from "../../core/images/image-use.js";
import {
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
  type Descriptor,
  type Platform,
} from "../../core/oci/descriptor.js";
import { digestOf } from "../../core/oci/digest.js";
import { configPlatform, parseManifest } from "../../core/oci/manifest.js";
import { parseJson } from "../../core/parse-json.js";
import { isBug, ViolaError } from "../../errors.js";
import { readFileRange } from "../files/read-range.js";
import { storeSavedImage, type SavedFile } from "./saved-image.js";

/** The operations of the engine that `DockerSource` uses. */
export interface ImageEngine {
  /** Returns an object when the engine has the image, otherwise undefined. */
  inspectImage(reference: string, signal: AbortSignal): Promise<object | undefined>;
  /** Streams the image as `docker save` writes it. */
  saveImage(reference: string, signal: AbortSignal): Promise<Readable>;
}

/**
 * `manifest.json` of a docker archive: the paths of the files of each image. All versions of the
 * archive format have it. https://github.com/moby/moby/blob/master/image/spec/v1.2.md
 */
const archiveSchema = z
  .array(z.object({ Config: z.string(), Layers: z.array(z.string()).nullable() }))
  .length(1);
const configSchema = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const PARALLEL_SAVES = 2;

/** Resolves references to the images of a Docker engine. */
export class DockerSource {
  readonly #engine: ImageEngine;
  readonly #folder: string;
  readonly #limit = pLimit(PARALLEL_SAVES);

  /**
   * Saved images are written to `folder`, which needs space for the uncompressed images. The caller
   * removes it.
   */
  constructor(engine: ImageEngine, folder: string) {
    this.#engine = engine;
    this.#folder = folder;
  }

  /**
   * Saves the image and creates its manifest. The engine does not keep the manifest of the
   * registry, and its layers are uncompressed (or, with the containerd image store, as pulled). The
   * digest therefore differs from the one at the registry, and `rebuilt` is true. An engine has one
   * platform of an image.
   *
   * Throws `IMAGE_NOT_FOUND`, `IMAGE_PLATFORM_MISSING`, `DOCKER_UNAVAILABLE`, `DIGEST_MISMATCH`
   * when a layer does not match the diff ID in the config, and `IMAGE_UNSUPPORTED` for a reference
   * with a digest.
   */
  resolveImage(use: ImageUse, platforms: readonly Platform[], signal: AbortSignal): Promise<ResolvedImage> {
    return this.#limit(() => this.#resolve(use, platforms, signal));
  }

  /** Returns a blob of a saved image, whose digest was computed when it was saved. */
  readBlob(source: BlobSource, blob: Descriptor): Promise<Uint8Array> {
    if (source.kind !== "file") throw new TypeError("the blob is not in a saved image");
    return readFileRange(source.file, source.offset, blob.size);
  }

  /**
   * Returns the last bytes of a blob of a saved image, or undefined for a blob of another source.
   */
  async readBlobTail(source: BlobSource, blob: Descriptor, bytes: number): Promise<Uint8Array | undefined> {
    if (source.kind !== "file") return undefined;
    const length = Math.min(bytes, blob.size);
    return readFileRange(source.file, source.offset + blob.size - length, length);
  }

  async #resolve(use: ImageUse, platforms: readonly Platform[], signal: AbortSignal): Promise<ResolvedImage> {
    const subject = use.normalized;
    const reference = parseReference(subject);
    if ((await this.#engine.inspectImage(subject, signal)) === undefined) {
      throw new ViolaError("IMAGE_NOT_FOUND", `${subject}: the Docker engine does not have this image`, {
        subject,
        hint: "List the images with `docker images`, or use the registry with --source registry.",
      });
    }
    if (reference.digest !== undefined) {
      throw new ViolaError(
        "IMAGE_UNSUPPORTED",
        `${subject} has a digest, and a Docker engine does not keep the digests of registries`,
        {
          subject,
          hint: "Use a registry with --source registry, or refer to the image by its tag.",
        },
      );
    }
    const file = join(this.#folder, `docker-save-${randomUUID()}.tar`);
    const stream = await this.#engine.saveImage(subject, signal);
    const files = await storeSavedImage(stream, file, signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      if (cause instanceof ViolaError || isBug(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ViolaError(
        "DOCKER_UNAVAILABLE",
        `${subject}: saving the image from the Docker engine failed: ${why}`,
        {
          subject,
          cause,
        },
      );
    });
    const saved = await readArchive(files, file, subject);
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(saved.config, OCI_CONFIG),
      layers: saved.layers.map((layer) => describe(layer, layerType(layer))),
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    const root = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length };
    const content = parseManifest(bytes, OCI_MANIFEST, subject);
    const candidates =
      content.kind === "manifest" && saved.platform !== undefined
        ? [{ platform: saved.platform, descriptor: root, manifest: content }]
        : [];
    return {
      use,
      names: [kubeletName(reference)],
      root,
      manifests: [{ ...root, bytes }],
      platforms: choosePlatforms(candidates, platforms, subject),
      sources: new Map(
        [saved.config, ...saved.layers].map(({ digest, offset }) => [digest, { kind: "file", file, offset }]),
      ),
      rebuilt: true,
    };
  }
}

interface SavedImage {
  readonly platform: Platform | undefined;
  readonly config: SavedFile;
  readonly layers: readonly SavedFile[];
}

/**
 * Finds the config and the layers with manifest.json, and checks uncompressed layers against the
 * diff IDs of the config.
 */
async function readArchive(
  files: ReadonlyMap<string, SavedFile>,
  file: string,
  subject: string,
): Promise<SavedImage> {
  const invalid = (what: string, cause?: unknown): ViolaError =>
    new ViolaError(
      "DOCKER_UNAVAILABLE",
      `${subject}: the Docker engine returned an invalid archive: ${what}`,
      {
        subject,
        cause,
      },
    );
  const fileAt = (path: string): SavedFile => {
    const found = files.get(path);
    if (found === undefined) throw invalid(`${path} is missing`);
    return found;
  };
  const readJson = async <T>(path: string, schema: z.ZodType<T>): Promise<T> => {
    const { offset, size } = fileAt(path);
    const text = (await readFileRange(file, offset, size)).toString("utf8");
    return parseJson(text, schema, (what, cause) => invalid(`${path}: ${what}`, cause));
  };
  const [entry] = await readJson("manifest.json", archiveSchema);
  if (entry === undefined) throw invalid("manifest.json lists no image");
  const config = fileAt(entry.Config);
  const layers = (entry.Layers ?? []).map(fileAt);
  const { rootfs } = await readJson(entry.Config, configSchema);
  if (rootfs.diff_ids.length !== layers.length)
    throw invalid("config and manifest.json list different layers");
  for (const [index, layer] of layers.entries()) {
    const expected = rootfs.diff_ids[index];
    if (layerType(layer) === OCI_LAYER && layer.digest !== expected) {
      throw new ViolaError(
        "DIGEST_MISMATCH",
        `${subject}: layer ${expected ?? ""} has the digest ${layer.digest}`,
        {
          subject,
        },
      );
    }
  }
  return { platform: configPlatform(await readFileRange(file, config.offset, config.size)), config, layers };
}

/**
 * Detects the compression by the first bytes, because the containerd image store saves layers as
 * they were pulled.
 */
function layerType({ start }: SavedFile): string {
  const bytes = Buffer.from(start);
  if (bytes.subarray(0, GZIP.length).equals(GZIP)) return `${OCI_LAYER}+gzip`;
  if (bytes.subarray(0, ZSTD.length).equals(ZSTD)) return `${OCI_LAYER}+zstd`;
  return OCI_LAYER;
}

function describe({ digest, size }: SavedFile, mediaType: string): Descriptor {
  return { mediaType, digest, size };
}
