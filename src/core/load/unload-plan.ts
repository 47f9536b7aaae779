// What may be taken away from a node: what the bundle brought, and nothing else uses.
import type { Inventory } from "../bundle/inventory.js";
import type { NodeImage } from "./node.js";

/** A name of the bundle that stays, and why. */
export interface KeptName {
  readonly name: string;
  readonly reason: string;
}

export interface UnloadPlan {
  /** Names of the bundle to take away, sorted. */
  readonly remove: readonly string[];
  /** Names that the kubelet's view of containerd made for the same content: without them nothing would be freed. */
  readonly configNames: readonly string[];
  /** Names that other bundles need: this one's note goes. */
  readonly disclaim: readonly string[];
  readonly kept: readonly KeptName[];
}

/** Returns what a node notes of a bundle: another version is another bundle. Without spaces, commas and `=`. */
export function bundleId({ name, version }: Inventory): string {
  return `${name}_${version}`.replace(/[^A-Za-z0-9._+-]+/g, "_");
}

/** Returns the names that other bundles brought and that this one needs too. What was there before any bundle belongs to none. */
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
 * The rule: a name goes when `load` or load.sh noted on it that this bundle brought it, it still points to the bundle's content, no other
 * bundle has a note on it, and no container, stopped ones too, was made from it or from another name of its content. Names without a note
 * were there before and stay. Other names of the same content are never touched.
 * `used` holds the names that containers were made from.
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
      if (image.digest !== digest) keep("it points to other content now");
      else if (others.length > 0) {
        keep(`brought by ${others.join(", ")}`);
        if (image.bundles.includes(thisBundle)) disclaim.push(name);
      } else if (!image.bundles.includes(thisBundle)) keep("it was there before, or was not brought by load");
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

/** containerd's CRI plugin lists every image under the digest of its config, too. */
function isConfigName(name: string): boolean {
  return name.startsWith("sha256:");
}
