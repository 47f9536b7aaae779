// The sizes of a bundle as a tree of components, images and layers, in which each byte is counted once.
import { groupBy } from "../../../../core/group-by.js";
import type { PageData } from "./page-data.js";

/** One part of the bundle. Its size is the sum of its children's, if it has any. */
export interface SizeNode {
  readonly kind: "bundle" | "component" | "image" | "shared" | "layer" | "config";
  /** From the data; empty for what has no name of its own. */
  readonly name: string;
  readonly bytes: number;
  /** Largest first. */
  readonly children: readonly SizeNode[];
  /** Indexes of images: the image itself, all that share a layer, or none. */
  readonly images: readonly number[];
}

type Sizes = Pick<PageData, "totalBytes" | "components" | "layers"> & {
  readonly images: readonly Pick<PageData["images"][number], "label" | "uniqueBytes">[];
};

/**
 * Returns the tree. Its leaves are the layers, and what remains of each image: its configs.
 *
 * A layer of one image belongs to it. Layers that the same images share are a node of their own. An
 * image or such a node is a child of the component that has all its images, and otherwise of the
 * bundle.
 */
export function sizeTree({ totalBytes, components, images, layers }: Sizes): SizeNode {
  const layersOf = groupBy(layers, ([, , , users]) => users.join());
  const imageNodes = images.map(({ label, uniqueBytes }, index) => {
    const own = leavesOf(layersOf.get(String(index)) ?? []);
    const configBytes = uniqueBytes - sum(own);
    const config = configBytes > 0 ? [node("config", { bytes: configBytes, images: [index] })] : [];
    return node("image", { name: label, images: [index], children: [...own, ...config] });
  });
  const sharedNodes = [...layersOf.values()].flatMap((shared) => {
    const indexes = shared[0]?.[3] ?? [];
    return indexes.length > 1 ? [node("shared", { images: indexes, children: leavesOf(shared) })] : [];
  });

  const componentsOf = new Map<number, number[]>();
  for (const [component, { images: indexes }] of components.entries()) {
    for (const index of indexes) componentsOf.set(index, [...(componentsOf.get(index) ?? []), component]);
  }
  /** The component that alone has all these images, or undefined. */
  const ownerOf = (indexes: readonly number[]): number | undefined => {
    const owners = new Set(indexes.flatMap((index) => componentsOf.get(index) ?? [-1]));
    const [owner] = owners;
    return owners.size === 1 && owner !== -1 ? owner : undefined;
  };
  const byOwner = groupBy([...imageNodes, ...sharedNodes].filter(isNotEmpty), (one) => ownerOf(one.images));
  const children = [
    ...components.map(({ name }, index) => node("component", { name, children: byOwner.get(index) ?? [] })),
    ...(byOwner.get(undefined) ?? []),
  ].filter(isNotEmpty);
  // Configs that several images share belong to no image.
  const rest = totalBytes - sum(children);
  if (rest > 0) children.push(node("config", { bytes: rest }));
  return node("bundle", { children });
}

function leavesOf(layers: PageData["layers"]): readonly SizeNode[] {
  return layers
    .map(([digest, bytes, , images]) => node("layer", { name: digest, bytes, images }))
    .filter(isNotEmpty);
}

function node(
  kind: SizeNode["kind"],
  { name = "", children = [], bytes = sum(children), images = [] }: Partial<SizeNode>,
): SizeNode {
  return { kind, name, bytes, images, children: children.toSorted((a, b) => b.bytes - a.bytes) };
}

function isNotEmpty({ bytes }: { readonly bytes: number }): boolean {
  return bytes > 0;
}

function sum(sized: readonly { readonly bytes: number }[]): number {
  return sized.reduce((total, { bytes }) => total + bytes, 0);
}
