// Compares what a cluster runs with what a bundle has: every running image must be there under the name that the cluster uses.
import type { Inventory, InventoryImage } from "../bundle/inventory.js";
import { formatReference, nodeNames, parseReference, type NormalizedReference } from "../images/reference.js";
import { explainMissing, workloadOf, type MissingCause } from "./explain-missing.js";
import type { RunningContainer, RunningObject } from "./running-images.js";

/** One image of the cluster. */
export interface CheckedImage {
  /** As the cluster writes it, the first spelling met. */
  readonly reference: string;
  readonly normalized: NormalizedReference;
  /** Objects that run it, such as `StatefulSet monitoring/loki-write`; empty where only a bare list was given. */
  readonly usedBy: readonly string[];
}

/** Something that runs and that the bundle has not under this name. */
export interface MissingImage extends CheckedImage {
  /** Why it most likely was not found, and what would have found it. */
  readonly cause: MissingCause;
}

/** Something that the bundle has and nothing runs. */
export interface UnusedImage {
  readonly normalized: NormalizedReference;
  /** Compressed bytes over all platforms that come along. */
  readonly compressedBytes: number;
  /** Why that may well be so; empty where nothing is known. */
  readonly note: string;
}

export interface CheckReport {
  readonly name: string;
  readonly version: string;
  readonly present: readonly CheckedImage[];
  readonly missing: readonly MissingImage[];
  readonly unused: readonly UnusedImage[];
  /** Images that the cluster itself runs, not a release of the bundle: static Pods and what else is in the cluster's own namespaces. */
  readonly ofCluster: readonly CheckedImage[];
  /** Images whose content in the cluster is not what the bundle has under that name. */
  readonly otherContent: readonly {
    readonly normalized: string;
    readonly running: string;
    readonly bundled: string;
  }[];
}

/** Where clusters keep what they themselves need; Kind keeps its volumes in the last one. */
const CLUSTER_NAMESPACES = new Set(["kube-system", "kube-public", "kube-node-lease", "local-path-storage"]);

/**
 * Compares. A reference with a digest must be there by digest: that is the name that the kubelet looks for (see `nodeNames`).
 * Everything in the report is sorted by `normalized`.
 * Throws `REFERENCE_INVALID` where the cluster names an image by something that is no reference.
 */
export function checkRunning(inventory: Inventory, running: readonly RunningContainer[]): CheckReport {
  const byName = new Map<string, InventoryImage>(
    inventory.images.flatMap((image) => image.names.map((name) => [name, image] as const)),
  );
  const namespaces = new Set(inventory.releases.map(({ namespace }) => namespace));
  const used = new Set<InventoryImage>();
  const present: CheckedImage[] = [];
  const missing: MissingImage[] = [];
  const ofCluster: CheckedImage[] = [];
  const otherContent: CheckReport["otherContent"][number][] = [];
  for (const [normalized, group] of byImage(running)) {
    const checked = {
      reference: group[0]?.image ?? normalized,
      normalized,
      usedBy: [...new Set(group.flatMap((one) => (one.in === undefined ? [] : [describe(one.in)])))].sort(),
    };
    const image = byName.get(nodeNames(parseReference(normalized)).at(-1) ?? normalized);
    if (image !== undefined) {
      used.add(image);
      present.push(checked);
      const other = findOtherContent(image, group);
      if (other !== undefined) otherContent.push({ normalized, running: other, bundled: image.digest });
    } else if (group.every((one) => isOfCluster(one.in, namespaces))) {
      ofCluster.push(checked);
    } else {
      missing.push({ ...checked, cause: explainMissing(inventory, normalized, group) });
    }
  }
  const unused = inventory.images.filter((image) => !used.has(image)).map(unusedImage);
  const { name, version } = inventory;
  return { name, version, present, missing, unused, ofCluster, otherContent };
}

function byImage(
  running: readonly RunningContainer[],
): readonly (readonly [NormalizedReference, readonly RunningContainer[]])[] {
  const groups = new Map<NormalizedReference, RunningContainer[]>();
  for (const one of running) {
    const normalized = formatReference(parseReference(one.image));
    const group = groups.get(normalized);
    if (group === undefined) groups.set(normalized, [one]);
    else group.push(one);
  }
  return [...groups].sort(([one], [other]) => (one < other ? -1 : 1));
}

function describe(object: RunningObject): string {
  const { kind, name } = workloadOf(object);
  return `${kind} ${object.namespace}/${name}`;
}

function isOfCluster(object: RunningObject | undefined, namespaces: ReadonlySet<string>): boolean {
  if (object === undefined) return false;
  return object.isStatic || (CLUSTER_NAMESPACES.has(object.namespace) && !namespaces.has(object.namespace));
}

/** Returns what runs under the image's name where no digest of the bundled image is that; the runtime may name index, manifest or config. */
function findOtherContent(image: InventoryImage, group: readonly RunningContainer[]): string | undefined {
  const known = new Set<string>([
    image.digest,
    ...image.manifests.map(({ digest }) => digest),
    ...image.platforms.flatMap(({ digest, config }) => [digest, config.digest]),
  ]);
  for (const { imageId } of group) {
    const digest = imageId === undefined ? undefined : /sha256:[0-9a-f]{64}$/.exec(imageId)?.[0];
    // `kind load` and `ctr import` name what they import after the day: such a digest is the archive's.
    if (digest !== undefined && !known.has(digest) && !/\bimport-/.test(imageId ?? "")) return digest;
  }
  return undefined;
}

function unusedImage(image: InventoryImage): UnusedImage {
  const sizes = image.platforms.flatMap(({ config, layers }) => [
    config.size,
    ...layers.map(({ size }) => size),
  ]);
  return {
    normalized: image.normalized,
    compressedBytes: sizes.reduce((sum, size) => sum + size, 0),
    note: noteOf(image),
  };
}

function noteOf({ evidence }: InventoryImage): string {
  if (evidence.length === 0) return "";
  if (evidence.every(({ hooks = [] }) => hooks.length > 0)) {
    return `runs in hooks only: ${[...new Set(evidence.flatMap(({ hooks = [] }) => hooks))].join(", ")}`;
  }
  if (evidence.every(({ object }) => /^(?:Cron)?Job /.test(object))) return "runs in Jobs only";
  if (evidence.every(({ rule }) => rule === "spec")) return "the spec includes it";
  return "";
}
