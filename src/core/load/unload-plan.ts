// Plans what to remove from a node: names that the bundle loaded and nothing else uses.
import type { Inventory } from "../bundle/inventory.js";
import { bundleId } from "../bundle/names.js";
import type { NodeImage } from "./node.js";

/** A name of the bundle that is kept, and the reason. */
export interface KeptName {
  readonly name: string;
  readonly reason: string;
}

export interface UnloadPlan {
  /** Names of the bundle to remove, sorted. */
  readonly remove: readonly string[];
  /** Names that the CRI plugin created for the same content. They would keep the content. */
  readonly configNames: readonly string[];
  /** Names that other bundles need, whose label of this bundle is removed. */
  readonly disclaim: readonly string[];
  readonly kept: readonly KeptName[];
}

/**
 * Returns the names that other bundles loaded and this bundle also needs. Names without label stay
 * so.
 */
export function namesToShare(inventory: Inventory, images: readonly NodeImage[]): readonly string[] {
  const digests = new Map<string, string>(
    inventory.images.flatMap(({ names, digest }) => names.map((name) => [name, digest])),
  );
  return images
    .filter(({ name, digest, bundles }) => digests.get(name) === digest && bundles.length > 0)
    .filter(({ bundles }) => !bundles.includes(bundleId(inventory)))
    .map(({ name }) => name);
}

/**
 * Plans unloading. A name is removed if it has the label of this bundle, still points to the
 * bundle's content and has no label of another bundle, and if no running or stopped container was
 * created from it or from another name of its content. Names without label existed before and are
 * kept. Other names of the same content are never changed. `used` contains the names that
 * containers were created from.
 */
export function planUnload(
  inventory: Inventory,
  images: readonly NodeImage[],
  used: ReadonlySet<string>,
): UnloadPlan {
  const thisBundle = bundleId(inventory);
  const byName = new Map(images.map((image) => [image.name, image]));
  const usedDigests = new Set([...used].flatMap((name) => byName.get(name)?.digest ?? []));
  const remove: string[] = [];
  const disclaim: string[] = [];
  const kept: KeptName[] = [];
  for (const { names, digest, platforms } of inventory.images) {
    const isUsed =
      usedDigests.has(digest) ||
      [...names, ...platforms.map(({ config }) => config.digest)].some((name) => used.has(name));
    for (const name of names) {
      const image = byName.get(name);
      if (image === undefined) continue;
      const others = image.bundles.filter((bundle) => bundle !== thisBundle);
      const keep = (reason: string): number => kept.push({ name, reason });
      if (image.digest !== digest) keep("it points to different content");
      else if (others.length > 0) {
        keep(`needed by ${others.join(", ")}`);
        if (image.bundles.includes(thisBundle)) disclaim.push(name);
      } else if (!image.bundles.includes(thisBundle)) keep("it was not loaded from this bundle");
      else if (isUsed) keep("a container uses it");
      else remove.push(name);
    }
  }
  const going = new Set(remove);
  const staying = images.filter(({ name }) => !going.has(name) && !isConfigName(name));
  const stayingDigests = new Set(staying.map(({ digest }) => digest));
  const goingDigests = new Set(remove.flatMap((name) => byName.get(name)?.digest ?? []));
  const configNames = images
    .filter(
      ({ name, digest }) => isConfigName(name) && goingDigests.has(digest) && !stayingDigests.has(digest),
    )
    .map(({ name }) => name);
  return { remove: remove.sort(), configNames, disclaim, kept };
}

/** The CRI plugin of containerd also lists every image under the digest of its config. */
function isConfigName(name: string): boolean {
  return name.startsWith("sha256:");
}
