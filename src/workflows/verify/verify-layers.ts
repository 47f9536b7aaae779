// Compares the content of the layers with the configs of the images.
import type { Inventory } from "../../core/bundle/inventory.js";
import { diffIdsOf } from "../../core/oci/image-config.js";
import type { BundleReader, OpenBundle, PackedLayer } from "../ports.js";
import type { Run } from "../progress.js";
import {
  verifyBundle,
  type BundleProblem,
  type BundleWarning,
  type VerifyPorts,
  type VerifyReport,
} from "./verify.js";

/** The adapters that verifying layers works with. */
export interface VerifyLayersPorts {
  readonly reader: Pick<BundleReader, "findWrongLayers">;
}

/** A layer, and the image that states its diff id. */
interface StatedLayer extends PackedLayer {
  readonly image: string;
  /** `linux/amd64 layer 3 of 5` */
  readonly position: string;
}

/** Verifies the bundle, then its layers; see `verifyBundle` and `verifyLayers`. */
export async function verifyWithLayers(
  run: Run,
  bundle: OpenBundle,
  ports: VerifyPorts & VerifyLayersPorts,
): Promise<VerifyReport> {
  const report = await verifyBundle(run, bundle, ports);
  const damaged = report.problems.flatMap(({ code, digest }) =>
    code === "blob-damaged" && digest !== undefined ? [digest] : [],
  );
  const { problems, warnings } = await verifyLayers(run, bundle, new Set(damaged), ports);
  return {
    ...report,
    problems: [...report.problems, ...problems],
    warnings: [...report.warnings, ...warnings],
  };
}

/**
 * Decompresses every layer. Engines refuse an image when a layer does not have the diff id in its
 * config, at the earliest when they load it, at the latest when a container starts. Blobs in `damaged`
 * are skipped.
 */
async function verifyLayers(
  { signal, progress }: Run,
  bundle: OpenBundle,
  damaged: ReadonlySet<string>,
  { reader }: VerifyLayersPorts,
): Promise<{ readonly problems: readonly BundleProblem[]; readonly warnings: readonly BundleWarning[] }> {
  const layers = await statedLayers(bundle, damaged);
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  progress({ kind: "started", step: "layers", title: "Decompressing layers", total, unit: "bytes" });
  const onRead = (done: number): void => {
    progress({ kind: "advanced", step: "layers", done });
  };
  const wrong = await reader.findWrongLayers(layers, onRead, signal);
  progress({ kind: "ended", step: "layers", summary: `${layers.length} layers` });
  const problems: BundleProblem[] = [];
  const warnings: BundleWarning[] = [];
  for (const { layer, actual } of wrong) {
    const stated = layers.find((one) => one === layer);
    if (stated === undefined) continue;
    const { image, position, digest, diffId } = stated;
    if (actual === undefined) {
      warnings.push({
        code: "layer-unchecked",
        subject: image,
        message: `${image}: ${position} (${digest}) was not decompressed`,
        hint: "Use Node.js 22.15 or newer, which supports Zstandard.",
      });
      continue;
    }
    problems.push({
      code: "layer-unusable",
      subject: image,
      message: `${image}: ${position} (${digest}) is ${actual} after decompression, and the config of the image says ${diffId}: engines refuse to unpack it`,
      digest,
      images: [image],
    });
  }
  return { problems, warnings };
}

/** Returns every pair of a layer and a diff id once. */
async function statedLayers(
  bundle: OpenBundle,
  damaged: ReadonlySet<string>,
): Promise<readonly StatedLayer[]> {
  const { blobs } = bundle;
  const stated = new Map<string, StatedLayer>();
  for (const { normalized, platforms } of allImages(bundle.inventory)) {
    for (const { platform, config, layers } of platforms) {
      const place = blobs.get(config.digest);
      if (place === undefined || damaged.has(config.digest)) continue;
      const diffIds = diffIdsOf(await bundle.readPlace(place));
      for (const [at, { digest }] of layers.entries()) {
        const [blob, diffId] = [blobs.get(digest), diffIds[at]];
        if (blob === undefined || diffId === undefined || damaged.has(digest)) continue;
        const position = `${platform} layer ${at + 1} of ${layers.length}`;
        stated.set(`${digest} ${diffId}`, {
          ...blob,
          diffId,
          image: normalized,
          position,
        });
      }
    }
  }
  return [...stated.values()];
}

function allImages({ images, hostImages = [] }: Inventory): Inventory["images"] {
  return [...images, ...hostImages];
}
