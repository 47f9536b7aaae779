// Verifies a bundle offline: all checksums, the chart of every release, the blobs of every image.
import { findNameConflicts } from "../../core/bundle/names.js";
import { findUnusableImages } from "../../core/bundle/unusable-images.js";
import { withheldReleases } from "../../core/bundle/bundled-values.js";
import { findLimitedImages } from "../../core/load/engine-limits.js";
import { formatIdentity } from "../../core/bundle/base.js";
import type { Place } from "../../core/bundle/blob-places.js";
import { countOf } from "../../core/count-of.js";
import { formatBytes } from "../../core/format-bytes.js";
import {
  blobsOf,
  type Inventory,
  type InventoryBase,
  type InventoryImage,
} from "../../core/bundle/inventory.js";
import { createHash } from "node:crypto";
import type { Digest } from "../../core/oci/digest.js";
import { describeSignature, type DescribedSignature } from "../../core/signing/signature.js";
import type { BundleReader, OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";

const PIECE_BYTES = 1024 * 1024;

/** One problem of a bundle. */
export interface BundleProblem {
  readonly code:
    | "file-damaged"
    | "blob-damaged"
    | "blob-missing"
    | "part-damaged"
    | "chart-missing"
    | "image-missing"
    | "image-unusable"
    | "layer-unusable"
    | "name-conflict"
    | "base-missing";
  /** What is affected: a file or release of the bundle, or an image and a part of it. */
  readonly subject: string;
  readonly message: string;
  readonly digest?: string;
  /** Images that need a damaged blob. */
  readonly images?: readonly string[];
}

export interface VerifyReport {
  readonly file: string;
  readonly name: string;
  readonly version: string;
  /** Digest of `bundle.json`. */
  readonly digest: Digest;
  readonly size: number;
  /** Null for a bundle that is not signed. */
  readonly signature: DescribedSignature | null;
  readonly images: number;
  readonly blobs: number;
  /** The base of a differential bundle, and what it makes with it. */
  readonly base?: InventoryBase;
  readonly whole?: Inventory["whole"];
  /** Releases whose values are not in the bundle; installing requires them. */
  readonly withheldValues: readonly string[];
  readonly problems: readonly BundleProblem[];
  /** What some targets do not support. */
  readonly warnings: readonly BundleWarning[];
}

/**
 * An image that a container engine, or a release of one, cannot hold: `load` refuses it there. Or a
 * layer that this Node.js cannot decompress.
 */
export interface BundleWarning {
  readonly code: "image-unfit" | "layer-unchecked";
  /** The image. */
  readonly subject: string;
  readonly message: string;
  readonly hint: string;
}

/** The adapters that verifying works with. */
export interface VerifyPorts {
  readonly reader: Pick<BundleReader, "findDamagedBlobs">;
}

/**
 * Adds a problem to the report if blobs of the bundle could not be checked because its base was not
 * given.
 */
export function reportMissingBase(report: VerifyReport, bundle: OpenBundle): VerifyReport {
  const { missingBase, inventory, blobs } = bundle;
  if (missingBase === undefined) return report;
  const absent = inventory.blobs.filter(({ digest }) => !blobs.has(digest));
  const bytes = absent.reduce((sum, { size }) => sum + size, 0);
  const problem: BundleProblem = {
    code: "base-missing",
    subject: bundle.file,
    message: `${countOf(absent.length, "blob")} (${formatBytes(bytes)}) were not checked: they are in base ${formatIdentity(missingBase)}, which was not given with --base`,
  };
  return { ...report, problems: [...report.problems, problem] };
}

/** Checks an opened bundle and reports every problem. Throws only if the file cannot be read. */
export async function verifyBundle(
  { signal, progress }: Run,
  bundle: OpenBundle,
  { reader }: VerifyPorts,
): Promise<VerifyReport> {
  const { inventory } = bundle;
  const total = [...bundle.blobs.values()].reduce((sum, blob) => sum + blob.size, 0);
  progress({ kind: "started", step: "verify", title: "Verifying checksums", total, unit: "bytes" });

  const problems: BundleProblem[] = [...findGaps(inventory)];
  for (const { path, sha256, isInBase } of inventory.files) {
    if (isInBase === true && bundle.missingBase !== undefined) continue;
    if ((await sha256Of(bundle, bundle.locate(path), signal)) !== sha256) {
      problems.push({
        code: "file-damaged",
        subject: path,
        message: `${path} is damaged: its sha256 is not ${sha256}`,
      });
    }
  }
  const damaged = await reader.findDamagedBlobs(
    bundle,
    (done) => {
      progress({ kind: "advanced", step: "verify", done });
    },
    signal,
  );
  for (const { digest, file } of damaged) {
    const uses = usesOf(inventory, digest);
    problems.push({
      code: "blob-damaged",
      subject: uses[0] ?? digest,
      message: `${uses.join(", ")}: ${digest} is damaged${file === bundle.file ? "" : ` in ${file}`}`,
      digest,
      images: allImages(inventory)
        .filter((image) => digestsOf(image).includes(digest))
        .map((image) => image.normalized),
    });
  }
  const unusable = await findUnusableImages(
    inventory,
    async ({ digest }) => {
      signal.throwIfAborted();
      const config = bundle.blobs.get(digest);
      return config && bundle.readPlace(config);
    },
    new Set(damaged.map(({ digest }) => digest)),
  );
  for (const { normalized, digest, message } of unusable)
    problems.push({ code: "image-unusable", subject: normalized, message, digest, images: [normalized] });
  problems.push(...(await findPartsToBlame(bundle, problems, signal)));
  progress({
    kind: "ended",
    step: "verify",
    summary: problems.length === 0 ? "no problems" : countOf(problems.length, "problem"),
  });
  return {
    file: bundle.file,
    name: inventory.name,
    version: inventory.version,
    digest: bundle.digest,
    size: bundle.size,
    signature: describeSignature(bundle.signature),
    images: inventory.images.length,
    blobs: inventory.blobs.length,
    ...(inventory.base !== undefined && { base: inventory.base, whole: inventory.whole }),
    withheldValues: withheldReleases(inventory.releases),
    problems,
    warnings: findLimitedImages(allImages(inventory)).map(({ normalized, message, hint }) => ({
      code: "image-unfit",
      subject: normalized,
      message,
      hint,
    })),
  };
}

function allImages({ images, hostImages = [] }: Inventory): readonly InventoryImage[] {
  return [...images, ...hostImages];
}

/** Names the damaged parts of a bundle with problems: only these have to be copied again. */
async function findPartsToBlame(
  bundle: OpenBundle,
  problems: readonly BundleProblem[],
  signal: AbortSignal,
): Promise<readonly BundleProblem[]> {
  const damaged = problems.length === 0 ? [] : ((await bundle.findDamagedParts?.(signal)) ?? []);
  return damaged.map(({ file }) => ({
    code: "part-damaged",
    subject: file,
    message: `${file} is damaged: copy this part again, the others are intact`,
  }));
}

/**
 * Returns the sha256 of a range of the file as hex digits. Reads it in pieces, because a bundled
 * program may have 100 MB.
 */
export async function sha256Of(bundle: OpenBundle, place: Place, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for (let at = 0; at < place.size; at += PIECE_BYTES) {
    signal.throwIfAborted();
    hash.update(await bundle.readPlace(place, at, Math.min(PIECE_BYTES, place.size - at)));
  }
  return hash.digest("hex");
}

/**
 * Yields what the inventory lacks: the chart of a release, a blob of an image, or all platforms of
 * one.
 */
export function* findGaps(inventory: Inventory): Iterable<BundleProblem> {
  const files = new Set(inventory.files.map((file) => file.path));
  for (const release of inventory.releases) {
    for (const path of [release.file, ...release.values, ...(release.withheldValues?.keys ?? [])]) {
      if (!files.has(path)) {
        yield {
          code: "chart-missing",
          subject: release.name,
          message: `release ${release.name}: ${path} is not in the bundle`,
        };
      }
    }
  }
  for (const { name, digests } of findNameConflicts(allImages(inventory))) {
    yield {
      code: "name-conflict",
      subject: name,
      message: `${name} stands for ${digests.length} contents: ${digests.join(", ")}`,
    };
  }
  const blobs = new Set(inventory.blobs.map((blob) => blob.digest));
  for (const image of allImages(inventory)) {
    if (image.platforms.length === 0 || image.names.length === 0) {
      yield {
        code: "image-missing",
        subject: image.normalized,
        message: `${image.normalized}: the bundle has no platform of this image`,
      };
    }
    for (const digest of digestsOf(image)) {
      if (!blobs.has(digest)) {
        yield {
          code: "blob-missing",
          subject: image.normalized,
          message: `${image.normalized}: ${digest} is not in the bundle`,
          digest,
          images: [image.normalized],
        };
      }
    }
  }
}

type Image = Inventory["images"][number];

function digestsOf(image: Image): readonly Digest[] {
  return [
    ...image.manifests.map((manifest) => manifest.digest),
    ...image.platforms.flatMap((platform) => blobsOf(platform).map(({ digest }) => digest)),
    ...(image.artifacts ?? []).flatMap(({ manifests, blobs }) =>
      [...manifests, ...blobs].map(({ digest }) => digest),
    ),
  ];
}

/** Describes how images use the blob: `quay.io/x/y:1 linux/amd64 layer 3 of 5`. */
function usesOf(inventory: Inventory, digest: Digest): readonly string[] {
  const uses: string[] = [];
  for (const image of allImages(inventory)) {
    const name = image.normalized;
    if (image.manifests.some((manifest) => manifest.digest === digest)) uses.push(`${name} manifest`);
    for (const artifact of image.artifacts ?? []) {
      if ([...artifact.manifests, ...artifact.blobs].some((blob) => blob.digest === digest))
        uses.push(`${name} artifact ${artifact.tags[0] ?? artifact.digest}`);
    }
    for (const { platform, config, layers, attached = [] } of image.platforms) {
      if (config.digest === digest) uses.push(`${name} ${platform} config`);
      layers.forEach((layer, index) => {
        if (layer.digest === digest) uses.push(`${name} ${platform} layer ${index + 1} of ${layers.length}`);
      });
      for (const other of attached) {
        if ([other.config, ...other.layers].some((blob) => blob.digest === digest))
          uses.push(`${name} ${platform} content of ${other.digest}`);
      }
    }
  }
  return uses;
}
