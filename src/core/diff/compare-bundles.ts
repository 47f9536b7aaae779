// Compares two bundles: settings, charts, values, images, files and blobs.
import { paddedSize, TAR_BLOCK } from "../bundle/tar-header.js";
import type { Inventory, InventoryRelease } from "../bundle/inventory.js";
import { FACTS_PATH } from "../bundle/paths.js";
import {
  DIFF_FORMAT_VERSION,
  type BundleDiff,
  type ComparedBundle,
  type Content,
  type ContentChange,
  type DiffSide,
  type FileChange,
  type SettingChange,
} from "./bundle-diff.js";
import { compareChart, pairReleases } from "./compare-charts.js";
import { compareImages } from "./compare-images.js";
import { compareFiles, compareValues, type DiffOptions } from "./compare-values.js";

/**
 * Returns the differences. Programs, host images and the record of a rehearsal are options of
 * `build` that a spec does not have, so they are compared only between two bundles or two specs.
 */
export function compareBundles(old: ComparedBundle, next: ComparedBundle, options: DiffOptions): BundleDiff {
  const isSameKind = old.kind === next.kind;
  const releases = pairReleases(old.inventory.releases, next.inventory.releases);
  const oldBlobs = new Set(old.inventory.blobs.map(({ digest }) => digest));
  const images = (list: "images" | "hostImages"): BundleDiff["images"] =>
    compareImages(old.inventory[list] ?? [], next.inventory[list] ?? [], {
      oldBlobs,
      host: list === "hostImages",
    });
  const lists = {
    settings: compareSettings(old.inventory, next.inventory),
    charts: releases.flatMap((pair) => compareChart(pair, { old, next }) ?? []),
    values: releases.flatMap((pair) =>
      pair.old === undefined || pair.next === undefined
        ? []
        : (compareValues({ bundle: old, release: pair.old }, { bundle: next, release: pair.next }, options) ??
          []),
    ),
    images: [...images("images"), ...(isSameKind ? images("hostImages") : [])],
    files: isSameKind ? compareOtherFiles(old.inventory, next.inventory) : [],
  };
  const blobs = compareContent(blobsOf(old.inventory), blobsOf(next.inventory));
  // A differential bundle may lack blobs that the old bundle lacks too.
  const common = next.inventory.blobs.filter((blob) => isInFile(blob) && oldBlobs.has(blob.digest));
  const absent = next.inventory.blobs.filter((blob) => !isInFile(blob) && !oldBlobs.has(blob.digest));
  return {
    formatVersion: DIFF_FORMAT_VERSION,
    different: Object.values(lists).some(({ length }) => length > 0),
    old: describeSide(old),
    new: describeSide(next),
    ...lists,
    layers: compareContent(layersOf(old.inventory), layersOf(next.inventory)),
    blobs,
    differential: {
      blobs: blobs.added.count,
      blobBytes: blobs.added.bytes,
      size: next.size + entryBytes(absent) - entryBytes(common),
    },
  };
}

function compareSettings(old: Inventory, next: Inventory): readonly SettingChange[] {
  const [before, after] = [settingsOf(old), settingsOf(next)];
  return before.flatMap(([setting, then], index) => {
    const now = after[index]?.[1] ?? [];
    return JSON.stringify(then) === JSON.stringify(now) ? [] : [{ setting, old: then, new: now }];
  });
}

function settingsOf(
  inventory: Inventory,
): readonly (readonly [SettingChange["setting"], readonly string[]])[] {
  const { name, version, platforms, kubeVersion, apiVersions, excluded } = inventory;
  return [
    ["name", [name]],
    ["version", [version]],
    ["platforms", [...platforms].sort()],
    ["kubeVersion", kubeVersion === undefined ? [] : [kubeVersion]],
    ["apiVersions", [...apiVersions].sort()],
    ["excluded", excluded.map(({ reference }) => reference).sort()],
  ];
}

/** Charts and values are compared as such, and `facts` follow from everything else. */
function compareOtherFiles(old: Inventory, next: Inventory): readonly FileChange[] {
  const others = ({ files, releases }: Inventory): Inventory["files"] => {
    const known = new Set([FACTS_PATH, ...releases.flatMap(filesOf)]);
    return files.filter(({ path }) => !known.has(path));
  };
  return compareFiles(others(old), others(next));
}

function filesOf({ file, values, withheldValues }: InventoryRelease): readonly string[] {
  return [file, ...values, ...(withheldValues?.keys ?? [])];
}

function describeSide({ kind, size, inventory }: ComparedBundle): DiffSide {
  return {
    kind,
    name: inventory.name,
    version: inventory.version,
    images: inventory.images.length,
    layers: layersOf(inventory).size,
    blobBytes: contentOf([...blobsOf(inventory).values()]).bytes,
    size,
  };
}

/** Sizes by digest. */
type Sizes = ReadonlyMap<string, number>;

function layersOf({ images, hostImages = [] }: Inventory): Sizes {
  const platforms = [...images, ...hostImages].flatMap((image) => image.platforms);
  return new Map(
    platforms.flatMap(({ layers }) => layers.map(({ digest, size }) => [digest, size] as const)),
  );
}

function blobsOf({ blobs }: Inventory): Sizes {
  return new Map(blobs.map(({ digest, size }) => [digest, size]));
}

function compareContent(old: Sizes, next: Sizes): ContentChange {
  const only = (one: Sizes, isWanted: (digest: string) => boolean): Content =>
    contentOf([...one].flatMap(([digest, size]) => (isWanted(digest) ? [size] : [])));
  return {
    added: only(next, (digest) => !old.has(digest)),
    removed: only(old, (digest) => !next.has(digest)),
    kept: only(next, (digest) => old.has(digest)),
  };
}

function contentOf(sizes: readonly number[]): Content {
  return { count: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

function isInFile({ offset }: Inventory["blobs"][number]): boolean {
  return offset !== undefined;
}

/** The bytes that blobs take in the archive: header, content and padding. */
function entryBytes(blobs: readonly { readonly size: number }[]): number {
  return blobs.reduce((sum, { size }) => sum + TAR_BLOCK + paddedSize(size), 0);
}
