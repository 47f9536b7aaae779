// The three files that make `images.tar` both an OCI image layout and a docker archive.
import { findReference } from "../images/reference.js";
import { blobPath, DOCKER_MANIFEST_PATH, LAYOUT_INDEX_PATH, OCI_LAYOUT_PATH } from "./paths.js";
import type { InventoryImage } from "./inventory.js";
import { OCI_INDEX } from "../oci/descriptor.js";

/** One small file of the bundle, with its bytes. */
export interface SmallFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Returns `oci-layout`, `index.json` and `manifest.json` for these images, in archive order.
 *
 * containerd uses the annotation `io.containerd.image.name` as the name of an image, and skopeo
 * uses `org.opencontainers.image.ref.name`. docker and podman read only `manifest.json`, which has
 * one platform: the first of the bundle that the image has. `hostImages` are for these engines, so
 * they are listed only in `manifest.json`.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export function layoutFiles(
  images: readonly InventoryImage[],
  hostImages: readonly InventoryImage[] = [],
): readonly SmallFile[] {
  const manifests = images.flatMap((image) =>
    image.names.map((name) => ({
      mediaType: image.mediaType,
      digest: image.digest,
      size: image.manifests.find((manifest) => manifest.digest === image.digest)?.size ?? 0,
      annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name },
    })),
  );
  const archived = [...images, ...hostImages].flatMap((image) => {
    const platform = image.platforms[0];
    if (platform === undefined) return [];
    return [
      {
        Config: blobPath(platform.config.digest),
        RepoTags: image.names.filter((name) => findReference(name)?.tag !== undefined),
        Layers: platform.layers.map((layer) => blobPath(layer.digest)),
      },
    ];
  });
  return [
    { path: OCI_LAYOUT_PATH, bytes: json({ imageLayoutVersion: "1.0.0" }) },
    { path: LAYOUT_INDEX_PATH, bytes: json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }) },
    { path: DOCKER_MANIFEST_PATH, bytes: json(archived) },
  ];
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
