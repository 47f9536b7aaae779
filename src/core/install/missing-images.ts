// Which of the images that an installation would start are not on the nodes that would start them.
import { missingNames } from "../load/missing-content.js";
import type { Inventory } from "../bundle/inventory.js";
import type { ImageUse } from "../images/image-use.js";
import { isRecord, textOf, valueAt, type Json } from "../json.js";
import { findReference, nodeNames, normalizeReference } from "../images/reference.js";
import { nodeName } from "../kubernetes/match-nodes.js";

/** An image that is missing on some nodes, or in the registry. */
export interface MissingImage {
  /** As `ImageUse.normalized`. */
  readonly image: string;
  readonly nodes: readonly string[];
  /** Those of them that may have it all the same. */
  readonly unsure: readonly string[];
  /** False where the bundle does not hold it. */
  readonly isInBundle: boolean;
  /** Why the spec leaves it out, where it does. */
  readonly exclusion?: string | undefined;
  /** Who asks for it: `Kind namespace/name path`. */
  readonly usedBy: string;
}

/** What a node has: names that resolve there with the digest each points to; an empty digest where nobody says which. */
export interface NodeContent {
  readonly node: string;
  readonly complete: ReadonlyMap<string, string>;
  /** True where there may be more than is known. */
  readonly mayHaveMore?: boolean;
}

/** A node that lists so many images may have more: `nodeStatusMaxImages` of the kubelet. */
const LISTED_IMAGES = 50;

/** Returns the names under which the nodes must know these images, those that the spec leaves out not among them. */
export function namesToFind(uses: readonly ImageUse[]): readonly string[] {
  return [...new Set(uses.flatMap(namesOf))];
}

/**
 * Returns the uses that an installation needs: all that are required, but those that the user allows to be missing. What the spec left out
 * is needed too: it may be on the nodes already, and nobody but the user can know that nothing will start it.
 */
export function neededImages(uses: readonly ImageUse[], allowed: readonly string[]): readonly ImageUse[] {
  const missing = new Set(allowed.map(normalizeReference));
  return uses.filter(({ required, normalized }) => required && !missing.has(normalized));
}

/** Compares what is needed with what every node has. An image of the bundle must be there with the bundle's digest. */
export function findMissingImages(
  uses: readonly ImageUse[],
  inventory: Inventory,
  nodes: readonly NodeContent[],
): readonly MissingImage[] {
  const bundled = new Map(inventory.images.map((image) => [image.normalized, image]));
  return uses.flatMap((use) => {
    const image = bundled.get(use.normalized);
    const lacks = ({ complete }: NodeContent): boolean => {
      const names = namesOf(use);
      if (names.some((name) => !complete.has(name))) return true;
      return (
        image !== undefined &&
        names.every((name) => complete.get(name) !== "") &&
        missingNames(image, complete).length > 0
      );
    };
    const missing = nodes.filter(lacks);
    return missing.length === 0 ? [] : [describeMissing(use, inventory, missing)];
  });
}

/** Tells what the inventory knows of an image that is missing. */
export function describeMissing(
  { normalized, evidence: [evidence] }: ImageUse,
  inventory: Inventory,
  nodes: readonly NodeContent[],
): MissingImage {
  return {
    image: normalized,
    nodes: nodes.map(({ node }) => node),
    unsure: nodes.filter(({ mayHaveMore }) => mayHaveMore === true).map(({ node }) => node),
    isInBundle: inventory.images.some((image) => image.normalized === normalized),
    exclusion: inventory.excluded.find(({ reference }) => normalizeReference(reference) === normalized)
      ?.reason,
    usedBy: evidence === undefined ? "" : `${evidence.object} ${evidence.path}`.trim(),
  };
}

/** Reads what a Node object says of its images: names only, spelled out, and not all of them on a node with many. */
export function contentOfNode(node: Json): NodeContent {
  const images = valueAt(node, "status.images");
  const listed = Array.isArray(images) ? images.filter(isRecord) : [];
  const names = listed.flatMap(({ names: own }) =>
    Array.isArray(own) ? own.flatMap((name) => textOf(name) ?? []) : [],
  );
  return {
    node: nodeName(node),
    complete: new Map(names.map((name) => [normalizeReference(name), ""])),
    mayHaveMore: listed.length >= LISTED_IMAGES,
  };
}

function namesOf({ normalized }: ImageUse): readonly string[] {
  const reference = findReference(normalized);
  return reference === undefined ? [normalized] : nodeNames(reference);
}
