// The image names of a bundle, and which content each of them stands for.
import type { ResolvedImage } from "../images/resolved-image.js";
import { formatRepository, parseReference, type Reference } from "../images/reference.js";
import type { Inventory } from "./inventory.js";

/** Returns the names of all images. */
export function allNames(inventory: Inventory): readonly string[] {
  return inventory.images.flatMap((image) => image.names);
}

/** One name that stands for two contents. */
export interface NameConflict {
  readonly name: string;
  /** Digests of the contents, at least two. */
  readonly digests: readonly string[];
}

/**
 * Removes the tag from images that are pinned by tag and digest if another image of the bundle has
 * the same tag with another digest. Nodes look up a pinned image only by its digest, so the tag is
 * needed only if something refers to the bare tag.
 */
export function withoutContestedTags(images: readonly ResolvedImage[]): readonly ResolvedImage[] {
  const contested = new Set(
    findNameConflicts(images.map(({ names, root }) => ({ names, digest: root.digest }))).map(({ name }) =>
      keyOf(name),
    ),
  );
  return images.map((image) =>
    parseReference(image.use.normalized).digest === undefined
      ? image
      : { ...image, names: image.names.filter((name) => !contested.has(keyOf(name))) },
  );
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
