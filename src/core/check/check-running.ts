// Compares the images that a cluster runs with a bundle: the bundle must have each under the name
// that the cluster uses.
import type { Inventory, InventoryImage } from "../bundle/inventory.js";
import { formatReference, nodeNames, parseReference, type NormalizedReference } from "../images/reference.js";
import { explainMissing, workloadOf, type MissingCause } from "./explain-missing.js";
import type { RunningContainer, RunningObject } from "./running-images.js";

/** An image that the cluster runs. */
export interface CheckedImage {
  /** The reference as written in the cluster; the first one when there are several spellings. */
  readonly reference: string;
  readonly normalized: NormalizedReference;
  /**
   * Objects that run it, such as `StatefulSet monitoring/loki-write`; empty when the input is a
   * plain list.
   */
  readonly usedBy: readonly string[];
}

/** A running image whose name is not in the bundle. */
export interface MissingImage extends CheckedImage {
  /** The most likely reason why it was not found, and what to change. */
  readonly cause: MissingCause;
}

/** An image of the bundle that nothing runs. */
export interface UnusedImage {
  readonly normalized: NormalizedReference;
  /** Compressed size in bytes of all platforms in the bundle. */
  readonly compressedBytes: number;
  /** A possible reason; empty when none is known. */
  readonly note: string;
}

export interface CheckReport {
  readonly name: string;
  readonly version: string;
  readonly present: readonly CheckedImage[];
  readonly missing: readonly MissingImage[];
  readonly unused: readonly UnusedImage[];
  /**
   * Images of the cluster itself rather than of a release: those of static Pods and of system
   * namespaces.
   */
  readonly ofCluster: readonly CheckedImage[];
  /** Images whose digest in the cluster differs from the digest in the bundle for the same name. */
  readonly otherContent: readonly {
    readonly normalized: string;
    readonly running: string;
    readonly bundled: string;
  }[];
}

/** Namespaces for system components. Kind runs its volume provisioner in the last one. */
const CLUSTER_NAMESPACES = new Set(["kube-system", "kube-public", "kube-node-lease", "local-path-storage"]);

/**
 * Compares the running containers with the inventory. A reference with a digest must be in the
 * bundle by digest, because that is the name that the kubelet looks up (see `nodeNames`). All lists
 * in the report are sorted by `normalized`.
 * Throws `REFERENCE_INVALID` when the cluster names an image that is not a valid reference.
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

/**
 * Returns the running digest when it is none of the image's digests. A runtime may report the
 * digest of the index, the manifest or the config.
 */
function findOtherContent(image: InventoryImage, group: readonly RunningContainer[]): string | undefined {
  const known = new Set<string>([
    image.digest,
    ...image.manifests.map(({ digest }) => digest),
    ...image.platforms.flatMap(({ digest, config }) => [digest, config.digest]),
  ]);
  for (const { imageId } of group) {
    const digest = imageId === undefined ? undefined : /sha256:[0-9a-f]{64}$/.exec(imageId)?.[0];
    // `kind load` and `ctr import` name imported images `import-DATE`. Their digest is that of the
    // archive.
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
    return `runs only in hooks: ${[...new Set(evidence.flatMap(({ hooks = [] }) => hooks))].join(", ")}`;
  }
  if (evidence.every(({ object }) => /^(?:Cron)?Job /.test(object))) return "runs only in Jobs";
  if (evidence.every(({ rule }) => rule === "spec")) return "the spec includes it";
  return "";
}
