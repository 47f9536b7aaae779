// Creates small inventories for tests. The content of each blob is its name.
import {
  FORMAT_VERSION,
  type Inventory,
  type InventoryImage,
} from "../../../../src/core/bundle/inventory.js";
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOf, type Digest } from "../../../../src/core/oci/digest.js";
import { named } from "../../../support/image-use.js";

/** Returns the digest of the blob with this text. */
export function digestOfText(text: string): Digest {
  return digestOf(text);
}

/** Describes an index with a manifest, a config and the layers for each platform. */
export function imageOf(
  name: string,
  options: { layers?: readonly string[]; platforms?: readonly string[]; names?: readonly string[] } = {},
): InventoryImage {
  const { layers = [], platforms = ["linux/amd64"], names = [name] } = options;
  const described = (
    text: string,
    mediaType: string,
  ): { mediaType: string; digest: Digest; size: number } => ({
    mediaType,
    digest: digestOf(text),
    size: text.length,
  });
  const index = described(`${name} index`, OCI_INDEX);
  return {
    reference: name,
    normalized: named(name),
    required: true,
    confidence: "certain",
    evidence: [],
    names: names.map(named),
    digest: index.digest,
    mediaType: index.mediaType,
    manifests: [
      index,
      ...platforms.map((platform) => described(`${name} ${platform} manifest`, OCI_MANIFEST)),
    ],
    rebuilt: false,
    platforms: platforms.map((platform) => ({
      platform,
      digest: digestOf(`${name} ${platform} manifest`),
      config: described(`${name} ${platform} config`, OCI_CONFIG),
      layers: layers.map((layer) => ({ ...described(layer, OCI_LAYER), uncompressedSize: null })),
    })),
  };
}

/** Returns an inventory of the images with all of their blobs, each at its own offset. */
export function inventoryOf(images: readonly InventoryImage[]): Inventory {
  const all = images.flatMap((image) => [
    ...image.manifests,
    ...image.platforms.flatMap(({ config, layers }) => [config, ...layers]),
  ]);
  const blobs = [...new Map(all.map(({ digest, size }) => [digest, size]))].map(([digest, size], index) => ({
    digest,
    size,
    offset: (index + 1) * 1024,
  }));
  return {
    formatVersion: FORMAT_VERSION,
    name: "test",
    version: "1.0.0",
    createdFrom: { spec: digestOf("spec"), tool: "test" },
    platforms: [...new Set(images.flatMap((image) => image.platforms.map((one) => one.platform)))],
    apiVersions: [],
    releases: [],
    images,
    excluded: [],
    warnings: [],
    files: [],
    blobs,
  };
}

/** The config of an image with one layer; `label` makes its bytes unique. */
export function configText(label = ""): string {
  return JSON.stringify({ label, rootfs: { type: "layers", diff_ids: [`sha256:${"0".repeat(64)}`] } });
}
