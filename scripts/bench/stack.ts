// The input and output of the benchmark: the 17 images of the viola stack in the local registries,
// and the output folders.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Descriptor } from "../../src/core/oci/descriptor.js";
import { partsPath, readRegistries } from "../parts/home.js";
import { pushViolaImages } from "../parts/viola-images.js";

/** Access to a registry with the images. */
export interface Endpoint {
  /** `http://HOST:PORT` or `https://HOST:PORT` */
  readonly url: string;
  readonly host: string;
  /** `USER:PASSWORD` */
  readonly login?: string;
  readonly caFile?: string;
  /** A folder with a Docker config.json that contains the login. */
  readonly dockerConfig: string;
}

export interface Stack {
  /** 1 is 1.5 GB of layers. */
  readonly scale: number;
  readonly plain: Endpoint;
  readonly tls: Endpoint;
  /** Path prefix of the images in the registries. */
  readonly prefix: string;
  /** `quay.io/prometheus/prometheus:v2.55.1`, … */
  readonly references: readonly string[];
  /** All configs and layers for linux/amd64, once each, with a repository that has the blob. */
  readonly blobs: readonly { readonly repository: string; readonly descriptor: Descriptor }[];
  /** Compressed size of the layers, in bytes. */
  readonly layerBytes: number;
}

/**
 * Creates and pushes missing images, which takes about half a minute at scale 1. Throws when the
 * registries are not running.
 */
export async function prepareStack(scale: number): Promise<Stack> {
  const registries = readRegistries();
  if (registries === undefined)
    throw new Error("the registries are not running; run: scripts/parts/registries.sh up");
  const plain = `http://${registries.plain}`;
  const prefix = scale === 1 ? "public/viola" : `public/viola-${scale}`;
  const images = await pushViolaImages({ url: plain }, prefix, partsPath("blobs"), scale);
  const blobs = new Map<string, Stack["blobs"][number]>();
  for (const { repository, image } of images) {
    const platform = image.platforms[0];
    for (const descriptor of platform === undefined ? [] : [platform.config, ...platform.layers]) {
      blobs.set(descriptor.digest, { repository: `${prefix}/${repository}`, descriptor });
    }
  }
  const layers = [...blobs.values()].filter(({ descriptor }) => /layer|rootfs/.test(descriptor.mediaType));
  const login = `${registries.user}:${registries.password}`;
  return {
    scale,
    plain: { url: plain, host: registries.plain, dockerConfig: dockerConfig("plain", {}) },
    tls: {
      url: `https://${registries.tls}`,
      host: registries.tls,
      login,
      caFile: registries.caFile,
      dockerConfig: dockerConfig("tls", {
        [registries.tls]: { auth: Buffer.from(login).toString("base64") },
      }),
    },
    prefix,
    references: images.map(({ repository, tag }) => `${repository}:${tag}`),
    blobs: [...blobs.values()],
    layerBytes: layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
  };
}

/**
 * Returns the folder that all programs of the benchmark write to. It is in memory if there is
 * enough space, because the speed of disks on shared machines varies by a factor of six.
 * `VIOLA_BENCH_FOLDER` overrides it.
 */
export function outputFolder(): string {
  const named = process.env["VIOLA_BENCH_FOLDER"];
  if (named !== undefined) return join(named, "viola-bench");
  const { bavail, bsize } = existsSync(MEMORY) ? statfsSync(MEMORY) : { bavail: 0, bsize: 0 };
  return bavail * bsize > ROOM_BYTES ? join(MEMORY, "viola-bench") : diskFolder();
}

/** Returns a folder on disk, where docker has its storage, for the comparison with docker. */
export function diskFolder(): string {
  return partsPath("bench", "output");
}

const MEMORY = "/dev/shm";
const ROOM_BYTES = 12e9;

/** Runs a task with an empty folder, and deletes the folder afterwards. */
export async function withFolder<T>(
  task: (folder: string) => Promise<T>,
  folder = outputFolder(),
): Promise<T> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // Pending writes of an earlier run must not slow down this one.
  execFileSync("sync");
  try {
    return await task(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function dockerConfig(name: string, auths: object): string {
  const folder = partsPath("bench", `docker-${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), JSON.stringify({ auths }), { mode: 0o600 });
  return folder;
}
