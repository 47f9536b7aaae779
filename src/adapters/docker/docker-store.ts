// The image store of a Docker engine. Loads missing images with one archive through `docker load`.
import { Readable } from "node:stream";
import { counted } from "../../core/load/counted.js";
import type { EngineNeed } from "../../core/load/engine-limits.js";
import { IPV6_NAME, type ImageStore } from "../../core/load/image-store.js";
import { manifestsOf } from "../../core/load/missing-content.js";
import { planPartialArchive } from "../../core/bundle/partial-archive.js";
import { normalizePlatform } from "../../core/oci/platform.js";
import { readSegments } from "../files/read-segments.js";
import type { DockerEngine } from "./engine.js";

/** https://github.com/moby/moby/releases/tag/v23.0.0 */
const FIRST_WITH_ZSTD = 23;

/**
 * Returns the image store of the engine. The classic image store keeps the digest of an image only
 * when it pulled the image from the registry in its name, and it supports mirrors only for Docker
 * Hub. It is therefore not possible to make `quay.io/…@sha256:…` resolve, neither by loading nor by
 * pulling from this machine.
 */
export function dockerStore(engine: DockerEngine): ImageStore {
  return {
    name: "docker",
    keepsDigests: false,
    platform: async (signal) => normalizePlatform(await engine.platform(signal)),
    findLimits: async (signal) => {
      const { version, accepts } = await engine.describe(IPV6_NAME, signal);
      const lacks: readonly (EngineNeed | false)[] = [
        "encrypted",
        Number.parseInt(version, 10) < FIRST_WITH_ZSTD && "zstd",
        !accepts && "ipv6-host",
      ];
      return { engine: `Docker ${version}`, lacks: new Set(lacks.filter((need) => need !== false)) };
    },
    listImages: (signal) => engine.listImages(signal),
    usedImages: (signal) => engine.usedImages(signal),
    listLayers: (signal) => engine.listLayers(signal),
    loadImages: async (missing, { bundle, needed }, onBytes, signal) => {
      const images = missing.map(({ image, platform }) => ({ ...image, platforms: [platform] }));
      const blobs = new Set([...manifestsOf(missing), ...needed]);
      const segments = planPartialArchive(bundle.blobs, images, blobs);
      const archive = counted(readSegments(segments), onBytes);
      await engine.loadImages(Readable.from(archive, { objectMode: false }), signal);
    },
    removeImage: (name, signal) => engine.removeImage(name, signal),
  };
}
