// Pushes substitutes for the 17 images of the viola stack, with real names and approximately real
// sizes: 1.5 GB of gzip layers.
//   tsx scripts/parts/viola-images.ts http[s]://HOST:PORT/PREFIX [--scale 0.01] [--login USER:PASSWORD] [--ca FILE]
// quay.io/prometheus/prometheus:v2.55.1 goes to
// HOST:PORT/PREFIX/quay.io/prometheus/prometheus:v2.55.1, and so on.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { partsPath } from "./home.js";
import { makeImage, type ImageOptions, type MadeImage } from "./images.js";
import { pushImage, type PushTarget } from "./push.js";

/** Registry and repository, tag, media types, and uncompressed size of the layers in MB. */
const VIOLA_IMAGES = [
  ["quay.io/prometheus/alertmanager", "v0.28.0", "docker", 70],
  ["quay.io/prometheus-operator/prometheus-config-reloader", "v0.78.2", "oci", 43],
  ["quay.io/prometheus-operator/prometheus-config-reloader", "v0.67.1", "docker", 41],
  ["docker.io/kiwigrid/k8s-sidecar", "1.24.3", "oci", 86],
  ["quay.io/kiwigrid/k8s-sidecar", "1.28.0", "oci", 86],
  ["docker.io/grafana/loki", "2.9.4", "docker", 126],
  ["docker.io/grafana/loki-canary", "2.9.4", "docker", 60],
  ["docker.io/nginxinc/nginx-unprivileged", "1.24-alpine", "oci", 43],
  ["quay.io/prometheus/prometheus", "v2.55.1", "docker", 285],
  ["docker.io/grafana/agent-operator", "v0.39.1", "docker", 90],
  ["docker.io/grafana/agent", "v0.39.1", "docker", 480],
  ["docker.io/grafana/grafana", "11.3.1", "docker", 478],
  ["registry.k8s.io/kube-state-metrics/kube-state-metrics", "v2.14.0", "docker", 50],
  ["quay.io/prometheus/node-exporter", "v1.8.2", "docker", 23],
  ["docker.io/grafana/promtail", "3.0.0", "oci", 193],
  ["quay.io/prometheus-operator/prometheus-operator", "v0.78.2", "oci", 57],
  ["registry.k8s.io/ingress-nginx/kube-webhook-certgen", "v1.5.1", "oci", 50],
] as const;

/** Gzip size in bytes of all layers of linux/amd64, and of the shared base. */
const ALL_BYTES = 1.52e9;
const BASE_BYTES = 30e6;
/** How the unshared bytes of an image are distributed over its layers. */
const LAYER_SHARES = [0.55, 0.3, 0.15];

/** One of the 17 generated images, with its normalized name in two parts. */
export interface ViolaImage {
  /** `quay.io/prometheus/prometheus` */
  readonly repository: string;
  readonly tag: string;
  readonly image: MadeImage;
}

/** The 17 references, `REGISTRY/REPOSITORY:TAG`. */
export const VIOLA_REFERENCES: readonly string[] = VIOLA_IMAGES.map(
  ([repository, tag]) => `${repository}:${tag}`,
);

/**
 * Generates the 17 images in a blob folder. Scale 1 is 1.5 GB, 0.01 is 15 MB. Takes about 12 s at
 * scale 1 for an empty folder.
 */
export function makeViolaImages(folder: string, scale = 1): readonly ViolaImage[] {
  const total = VIOLA_IMAGES.reduce((sum, [, , , size]) => sum + size, 0);
  return VIOLA_IMAGES.map(([repository, tag, mediaTypes, size]) => {
    const own = ((ALL_BYTES - BASE_BYTES) * scale * size) / total;
    const options: ImageOptions = {
      seed: `${repository}:${tag}`,
      mediaTypes,
      layers: [
        { seed: "viola base", bytes: Math.round(BASE_BYTES * scale) },
        ...LAYER_SHARES.map((share) => Math.round(own * share)),
      ],
    };
    return { repository, tag, image: makeImage(folder, options) };
  });
}

/**
 * Generates the 17 images, pushes them below `prefix` and returns them. Existing ones are skipped.
 */
export async function pushViolaImages(
  target: PushTarget,
  prefix: string,
  folder: string,
  scale = 1,
): Promise<readonly ViolaImage[]> {
  const images = makeViolaImages(folder, scale);
  for (const { repository, tag, image } of images) {
    await pushImage(target, folder, image, `${prefix}/${repository}`, tag);
  }
  return images;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { scale: { type: "string" }, login: { type: "string" }, ca: { type: "string" } },
  });
  const url = new URL(positionals[0] ?? "");
  const target: PushTarget = {
    url: url.origin,
    ...(values.login !== undefined && { login: values.login }),
    ...(values.ca !== undefined && { ca: readFileSync(values.ca, "utf8") }),
  };
  const prefix = url.pathname.replace(/^\/|\/$/g, "");
  for (const { repository, tag, image } of await pushViolaImages(
    target,
    prefix,
    partsPath("blobs"),
    Number(values.scale ?? 1),
  )) {
    process.stdout.write(`${url.host}/${prefix}/${repository}:${tag}@${image.root.digest}\n`);
  }
}
