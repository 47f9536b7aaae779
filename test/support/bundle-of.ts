// Writes a real bundle file of generated images without a registry, for tests of other commands
// than `build`.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeImage, type ImageOptions, type MadeImage } from "../../scripts/parts/images.js";
import { blobPath } from "../../scripts/parts/layers.js";
import { openBundle } from "../../src/adapters/bundle-file/open-bundle.js";
import {
  finishInventory,
  planArchive,
  type ArchiveInput,
  type ArchivePlan,
} from "../../src/core/bundle/archive-plan.js";
import { FORMAT_VERSION, inventoryImage, type Inventory } from "../../src/core/bundle/inventory.js";
import { planBase } from "../../src/core/bundle/plan-base.js";
import { formatReference, engineNames, parseReference } from "../../src/core/images/reference.js";
import { digestOf } from "../../src/core/oci/digest.js";
import type { ResolvedImage } from "../../src/core/images/resolved-image.js";
import { formatPlatform } from "../../src/core/oci/platform.js";
import type { PrivateKey } from "../../src/core/signing/keys.js";
import { signBytes } from "../../src/core/signing/signature.js";
import type { OpenBundle } from "../../src/workflows/ports.js";

/** An image to generate, and its name. `DIGEST` in the reference is a placeholder for its digest. */
export interface NamedImage extends ImageOptions {
  readonly reference: string;
  /**
   * Platforms whose blobs are included. Of other platforms, only the manifests are included.
   * Default: linux/amd64.
   */
  readonly bundled?: readonly string[];
}

/** The content of a bundle besides its images. */
export interface BundleExtras {
  readonly releases?: Inventory["releases"];
  readonly excluded?: Inventory["excluded"];
  readonly files?: ArchiveInput["files"];
  readonly audit?: NonNullable<Inventory["audit"]>;
  readonly version?: string;
  /** Name of the file; `NAME.tar` when absent. */
  readonly file?: string;
  /** Makes a differential bundle. All blobs of the base must be at hand. */
  readonly base?: OpenBundle;
  /** The key to sign with. The bundle is not signed if absent. */
  readonly signKey?: PrivateKey;
}

/** Generates the images in `folder` and writes them to a bundle there. */
export async function bundleOf(
  folder: string,
  name: string,
  namedImages: readonly NamedImage[],
  extras: BundleExtras = {},
): Promise<OpenBundle> {
  const { releases = [], excluded = [], files = [], audit, base, signKey, version = "1.0.0" } = extras;
  const images = namedImages.map((named) => resolve(folder, named, makeImage(folder, named)));
  const plan = planArchive({
    inventory: {
      formatVersion: FORMAT_VERSION,
      name,
      version,
      createdFrom: { spec: digestOf("spec"), tool: "test" },
      platforms: [...new Set(namedImages.flatMap((named) => named.bundled ?? ["linux/amd64"]))],
      apiVersions: [],
      releases,
      images: images.map(inventoryImage),
      excluded,
      warnings: [],
      ...(audit && { audit }),
    },
    files,
    images,
    isSigned: signKey !== undefined,
    ...(base && { base: planBase({ name, version }, base) }),
  });
  return writePlan(folder, extras.file ?? `${name}.tar`, plan, signKey);
}

/** Writes a planned bundle to `folder/NAME`, with the blobs in `folder`. */
export async function writePlan(
  folder: string,
  name: string,
  plan: ArchivePlan,
  signKey?: PrivateKey,
): Promise<OpenBundle> {
  const file = join(folder, name);
  const handle = openSync(file, "w");
  ftruncateSync(handle, plan.size);
  const inventory = finishInventory(plan, new Map());
  for (const { bytes, offset } of [...plan.pieces, inventory])
    writeSync(handle, bytes, 0, bytes.length, offset);
  if (signKey !== undefined && plan.signatureOffset !== undefined)
    writeSync(handle, signBytes(inventory.bytes, signKey), 0, null, plan.signatureOffset);
  for (const { digest, offset } of plan.blobs)
    writeSync(handle, readFileSync(blobPath(folder, digest)), 0, null, offset);
  closeSync(handle);
  return openBundle(file);
}

function resolve(folder: string, named: NamedImage, made: MadeImage): ResolvedImage {
  const reference = parseReference(named.reference.replace("DIGEST", made.root.digest));
  const normalized = formatReference(reference);
  return {
    use: { reference: named.reference, normalized, required: true, confidence: "certain", evidence: [] },
    names: [...engineNames(reference)].sort(),
    root: made.root,
    manifests: [made.root, ...made.children].map((descriptor) => ({
      ...descriptor,
      bytes: readFileSync(blobPath(folder, descriptor.digest)),
    })),
    platforms: made.platforms.filter(({ platform }) =>
      (named.bundled ?? ["linux/amd64"]).includes(formatPlatform(platform)),
    ),
    sources: new Map(),
    rebuilt: false,
  };
}
