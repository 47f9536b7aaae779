// Runnable images of the viola stack with the size of the original images: the small live images on
// top of the layers of the stand-ins.
import { readFileSync } from "node:fs";
import { digestOf } from "../../src/core/oci/digest.js";
import type { Descriptor } from "../../src/core/oci/descriptor.js";
import { partsPath } from "../parts/home.js";
import { blobPath } from "../parts/layers.js";
import { makeViolaImages } from "../parts/viola-images.js";

interface Manifest {
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface Config {
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] };
  readonly history?: unknown;
}

/** Path prefixes of the images in the registry. */
export interface Prefixes {
  /** Small images that run, pushed by `kube.sh images`. */
  readonly live: string;
  /** Images with the original sizes that do not run, pushed by `prepareStack`. */
  readonly standIns: string;
  readonly weighted: string;
}

const MANIFESTS =
  "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";

/**
 * Creates the images in a registry without TLS: layers are mounted, and only configs and manifests
 * are uploaded.
 */
export async function pushWeightedImages(url: string, prefixes: Prefixes, scale: number): Promise<void> {
  const folder = partsPath("blobs");
  for (const { repository, tag, image } of makeViolaImages(folder, scale)) {
    const [platform] = image.platforms;
    if (platform === undefined) throw new Error(`${repository}: no platform`);
    const from = (prefix: string): string => `${url}/v2/${prefix}/${repository}`;
    const headers = { accept: MANIFESTS };
    const live = (await json(`${from(prefixes.live)}/manifests/${tag}`, { headers })) as Manifest;
    const liveConfig = (await json(`${from(prefixes.live)}/blobs/${live.config.digest}`)) as Config;
    const below = JSON.parse(readFileSync(blobPath(folder, platform.config.digest), "utf8")) as Config;
    const config = Buffer.from(
      JSON.stringify({
        ...liveConfig,
        history: undefined,
        rootfs: { type: "layers", diff_ids: [...below.rootfs.diff_ids, ...liveConfig.rootfs.diff_ids] },
      }),
    );
    const layers = [
      ...platform.layers.map((layer) => ({ layer, prefix: prefixes.standIns })),
      ...live.layers.map((layer) => ({ layer, prefix: prefixes.live })),
    ];
    const to = from(prefixes.weighted);
    for (const { layer, prefix } of layers) {
      const mounted = `mount=${layer.digest}&from=${prefix}/${repository}`;
      await must(201, `${to}/blobs/uploads/?${mounted}`, { method: "POST" });
    }
    const upload = await must(202, `${to}/blobs/uploads/`, { method: "POST" });
    const location = new URL(upload.headers.get("location") ?? "", url);
    location.searchParams.set("digest", digestOf(config));
    await must(201, location.href, { method: "PUT", body: config });
    const manifest = {
      schemaVersion: 2,
      mediaType: live.mediaType,
      config: { ...live.config, digest: digestOf(config), size: config.length },
      layers: layers.map(({ layer: { digest, size } }) => ({
        mediaType: live.layers[0]?.mediaType,
        digest,
        size,
      })),
    };
    await must(201, `${to}/manifests/${tag}`, {
      method: "PUT",
      headers: { "content-type": live.mediaType },
      body: JSON.stringify(manifest),
    });
  }
}

async function must(status: number, url: string, options: RequestInit = {}): Promise<Response> {
  const answer = await fetch(url, options);
  if (answer.status !== status) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function json(url: string, options: RequestInit = {}): Promise<unknown> {
  return (await must(200, url, options)).json();
}
