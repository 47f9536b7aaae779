// The report of `diff`: what changed between two bundles, each of which may be the plan of a spec.
import type { Inventory } from "../bundle/inventory.js";

export const DIFF_FORMAT_VERSION = 1;

/** A bundle that is compared. */
export interface ComparedBundle {
  readonly kind: "bundle" | "spec";
  readonly inventory: Inventory;
  /** Size of the bundle file in bytes; for a spec, of the file that `build` would write. */
  readonly size: number;
  /** The texts of values files and of files with their keys, by path in the bundle. */
  readonly texts: ReadonlyMap<string, string>;
  /** The charts in a packaged chart, by its path in the bundle. Only of packages that were read. */
  readonly charts: ReadonlyMap<string, readonly ChartAt[]>;
}

/** A chart in a packaged chart. */
export interface ChartAt {
  /** Folder in the package: `app`, `app/charts/inner`. */
  readonly path: string;
  readonly version: string;
}

/** The differences. Every list is empty when there are none of its kind. */
export interface BundleDiff {
  readonly formatVersion: typeof DIFF_FORMAT_VERSION;
  /** True when any list has an entry. */
  readonly different: boolean;
  readonly old: DiffSide;
  readonly new: DiffSide;
  readonly settings: readonly SettingChange[];
  readonly charts: readonly ChartChange[];
  readonly values: readonly ValuesChange[];
  readonly images: readonly ImageChange[];
  /** Other files of the bundle, such as `load.sh`. Compared only between two bundles. */
  readonly files: readonly FileChange[];
  readonly layers: ContentChange;
  /** Layers, configs and manifests. */
  readonly blobs: ContentChange;
  readonly differential: Differential;
}

/** What is compared. */
export interface DiffSide {
  readonly kind: ComparedBundle["kind"];
  readonly name: string;
  readonly version: string;
  readonly images: number;
  readonly layers: number;
  /** Size of all blobs in bytes; each is counted once. */
  readonly blobBytes: number;
  /** See `ComparedBundle`. */
  readonly size: number;
}

/** A setting of the whole bundle: its name, platforms, Kubernetes version. */
export interface SettingChange {
  readonly setting: "name" | "version" | "platforms" | "kubeVersion" | "apiVersions" | "excluded";
  readonly old: readonly string[];
  readonly new: readonly string[];
}

/** Name and version of a chart. */
export interface ChartVersion {
  readonly name: string;
  readonly version: string;
  readonly appVersion: string | null;
}

/** A release that was added, removed, or has another chart. */
export interface ChartChange {
  /** `content`: name and version are the same, but not the files. */
  readonly change: "added" | "removed" | "version" | "content";
  readonly release: string;
  readonly namespace: string;
  readonly old: ChartVersion | null;
  readonly new: ChartVersion | null;
  /**
   * Subcharts with another version. Empty for a release that was added or removed; null when a
   * package cannot be read.
   */
  readonly subcharts: readonly SubchartChange[] | null;
}

export interface SubchartChange {
  readonly change: "added" | "removed" | "version";
  /** Folders of the charts, outer first: `inner/deeper`. */
  readonly path: string;
  readonly old: string | null;
  readonly new: string | null;
}

/** A release in both bundles whose values differ. */
export interface ValuesChange {
  readonly release: string;
  readonly namespace: string;
  readonly files: readonly FileChange[];
  /** Differences of the values after all files are merged, sorted by path. */
  readonly keys: readonly KeyChange[];
  /**
   * `all`: keys and values were compared. `keys`: a bundle has only the keys. `none`: a bundle was
   * built without the values, or its values cannot be read.
   */
  readonly compared: "all" | "keys" | "none";
}

export interface KeyChange {
  readonly change: "added" | "removed" | "changed";
  /** `controller.replicas`, `tolerations[0].key`. */
  readonly path: string;
  /** The values; only on request, because they may be secrets. */
  readonly old?: unknown;
  readonly new?: unknown;
}

export interface FileChange {
  readonly change: "added" | "removed" | "changed";
  /** Path in the bundle. */
  readonly path: string;
}

export interface ImageChange {
  /**
   * `tag`: another tag. `digest`: the same tag with another digest. `platforms`: the same digest for
   * other platforms.
   */
  readonly change: "added" | "removed" | "tag" | "digest" | "platforms";
  /** Registry and repository. */
  readonly repository: string;
  /** True for an image for the container engine of the host. */
  readonly host: boolean;
  readonly old: ImageVersion | null;
  readonly new: ImageVersion | null;
  /** Numbers of layers of the image: only in new, only in old, in both. */
  readonly layers: { readonly added: number; readonly removed: number; readonly kept: number };
  /** Bytes of the image's blobs that are nowhere in the old bundle. */
  readonly newBytes: number;
}

/** Sizes are in bytes and cover all platforms of the bundle. */
export interface ImageVersion {
  readonly normalized: string;
  readonly tag: string | null;
  readonly digest: string;
  readonly platforms: readonly string[];
  readonly compressedBytes: number;
}

/** Blobs that only the new bundle has, that only the old one has, and that both have. */
export interface ContentChange {
  readonly added: Content;
  readonly removed: Content;
  readonly kept: Content;
}

export interface Content {
  readonly count: number;
  readonly bytes: number;
}

/** The new bundle without the blobs that the old one has. */
export interface Differential {
  readonly blobs: number;
  readonly blobBytes: number;
  /** Size of the file in bytes: the blobs, and everything else that a bundle contains. */
  readonly size: number;
}
