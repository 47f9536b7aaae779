// Compares the images of two bundles: which were added and removed, and which have another tag or
// digest.
import { groupBy } from "../group-by.js";
import { formatRepository, parseReference, type Reference } from "../images/reference.js";
import type { InventoryImage } from "../bundle/inventory.js";
import type { ImageChange, ImageVersion } from "./bundle-diff.js";

/** An image with its parsed reference. */
interface Parsed {
  readonly image: InventoryImage;
  readonly reference: Reference;
  /** The fields of objects that name the image. */
  readonly uses: ReadonlySet<string>;
}

/** What the comparison of images depends on besides the images. */
export interface ImageContext {
  /** Digests of the blobs of the old bundle. */
  readonly oldBlobs: ReadonlySet<string>;
  /** True for images for the container engine of the host. */
  readonly host: boolean;
}

/**
 * Returns the images that differ, sorted by repository. Of one repository, images with the same name
 * are compared first, then images that the same field of the same object uses, then the rest in
 * order. Those without a counterpart were added or removed.
 */
export function compareImages(
  old: readonly InventoryImage[],
  next: readonly InventoryImage[],
  context: ImageContext,
): readonly ImageChange[] {
  const before = groupBy(old.map(parse), repositoryOf);
  const after = groupBy(next.map(parse), repositoryOf);
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .flatMap((repository) => pairUp(before.get(repository) ?? [], after.get(repository) ?? []))
    .flatMap((pair) => describe(pair, context) ?? []);
}

type Pair = readonly [old: Parsed | undefined, next: Parsed | undefined];

const LIKENESSES: readonly ((old: Parsed, next: Parsed) => boolean)[] = [
  (old, next) => old.image.normalized === next.image.normalized,
  (old, next) => [...next.uses].some((use) => old.uses.has(use)),
  () => true,
];

function pairUp(old: readonly Parsed[], next: readonly Parsed[]): readonly Pair[] {
  let before = old;
  let after = next;
  const pairs: Pair[] = [];
  for (const isLike of LIKENESSES) {
    for (const one of before) {
      const other = after.find((candidate) => isLike(one, candidate));
      if (other === undefined) continue;
      before = before.filter((rest) => rest !== one);
      after = after.filter((rest) => rest !== other);
      pairs.push([one, other]);
    }
  }
  return [
    ...pairs,
    ...before.map((one): Pair => [one, undefined]),
    ...after.map((one): Pair => [undefined, one]),
  ];
}

function describe([old, next]: Pair, { oldBlobs, host }: ImageContext): ImageChange | undefined {
  const change = changeOf([old, next]);
  const { reference } = next ?? old ?? {};
  if (change === undefined || reference === undefined) return undefined;
  const [before, after] = [layersOf(old), layersOf(next)];
  const kept = [...after].filter((digest) => before.has(digest)).length;
  const blobs = new Map(next === undefined ? [] : blobsOf(next).map(({ digest, size }) => [digest, size]));
  const newBytes = [...blobs].reduce((sum, [digest, size]) => sum + (oldBlobs.has(digest) ? 0 : size), 0);
  return {
    change,
    repository: formatRepository(reference),
    host,
    old: old === undefined ? null : versionOf(old),
    new: next === undefined ? null : versionOf(next),
    layers: { added: after.size - kept, removed: before.size - kept, kept },
    newBytes,
  };
}

function changeOf([old, next]: Pair): ImageChange["change"] | undefined {
  if (old === undefined) return "added";
  if (next === undefined) return "removed";
  if (old.reference.tag !== next.reference.tag) return "tag";
  if (old.image.digest !== next.image.digest) return "digest";
  return platformsOf(old).join() === platformsOf(next).join() ? undefined : "platforms";
}

function versionOf(parsed: Parsed): ImageVersion {
  const { image, reference } = parsed;
  const sizes = image.platforms.flatMap(({ config, layers }) => [config, ...layers]);
  return {
    normalized: image.normalized,
    tag: reference.tag ?? null,
    digest: image.digest,
    platforms: platformsOf(parsed),
    compressedBytes: sizes.reduce((sum, { size }) => sum + size, 0),
  };
}

function layersOf(parsed: Parsed | undefined): ReadonlySet<string> {
  const platforms = parsed?.image.platforms ?? [];
  return new Set(platforms.flatMap(({ layers }) => layers.map(({ digest }) => digest)));
}

function blobsOf({ image }: Parsed): readonly { readonly digest: string; readonly size: number }[] {
  return [...image.manifests, ...image.platforms.flatMap(({ config, layers }) => [config, ...layers])];
}

function platformsOf({ image }: Parsed): readonly string[] {
  return image.platforms.map(({ platform }) => platform).sort();
}

function parse(image: InventoryImage): Parsed {
  return {
    image,
    reference: parseReference(image.normalized),
    uses: new Set(image.evidence.map(({ object, path }) => `${object} ${path}`)),
  };
}

function repositoryOf({ reference }: Parsed): string {
  return formatRepository(reference);
}
