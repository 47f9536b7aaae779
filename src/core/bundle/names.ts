// The image names of a bundle, and which content each of them stands for.
import { formatRepository, parseReference, type Reference } from "../images/reference.js";
import type { Inventory } from "./inventory.js";

/** Returns the names of all images. */
export function allNames(inventory: Inventory): readonly string[] {
  return inventory.images.flatMap((image) => image.names);
}

/** Prefix of the labels on nodes that mark an image as loaded from a bundle. load.sh has the same. */
export const BUNDLE_LABEL_PREFIX = "io.viola-airgap.bundle/";
/** The value of these labels. */
export const BUNDLE_LABEL_VALUE = "brought";

/**
 * Returns the id of a bundle in labels on nodes, by name and version, without spaces, commas and
 * `=`.
 */
export function bundleId({ name, version }: Pick<Inventory, "name" | "version">): string {
  return `${name}_${version}`.replace(/[^A-Za-z0-9._+-]+/g, "_");
}

/** One name that stands for two contents. */
export interface NameConflict {
  readonly name: string;
  /** Digests of the contents, at least two. */
  readonly digests: readonly string[];
}

/** Lists the names that more than one content has. Hosts are the same in upper and lower case. */
export function findNameConflicts(
  images: readonly { readonly names: readonly string[]; readonly digest: string }[],
): readonly NameConflict[] {
  const digests = new Map<string, { readonly name: string; readonly digests: Set<string> }>();
  for (const { names, digest } of images) {
    for (const name of names) {
      const known = digests.get(keyOf(name)) ?? { name, digests: new Set() };
      digests.set(keyOf(name), known);
      known.digests.add(digest);
    }
  }
  return [...digests.values()]
    .filter((one) => one.digests.size > 1)
    .map((one) => ({ name: one.name, digests: [...one.digests] }));
}

function keyOf(name: string): string {
  const { registry, ...rest }: Reference = parseReference(name);
  const repository = formatRepository({ ...rest, registry: registry.toLowerCase() });
  return `${repository}:${rest.tag ?? ""}@${rest.digest ?? ""}`;
}
