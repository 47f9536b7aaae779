// Finds the images of an installation that are missing on nodes.
import { missingNames } from "../load/missing-content.js";
import type { Inventory } from "../bundle/inventory.js";
import type { ImageUse } from "../images/image-use.js";
import { isRecord, textOf, valueAt, type Json } from "../json.js";
import { findReference, kubeletName, normalizeReference } from "../images/reference.js";
import { nodeName } from "../kubernetes/match-nodes.js";

/** An image that is missing on some nodes, or in the registry. */
export interface MissingImage {
  /** As `ImageUse.normalized`. */
  readonly image: string;
  readonly nodes: readonly string[];
  /** Nodes among these that may have the image, because they do not list all images. */
  readonly unsure: readonly string[];
  /** True if the bundle contains the image. */
  readonly isInBundle: boolean;
  /** The reason in the spec, if the spec excludes the image. */
  readonly exclusion?: string | undefined;
  /** The field that refers to it: `Kind namespace/name path`. */
  readonly usedBy: string;
}

/** Names that resolve on a node, with their digests. A digest is empty if it is unknown. */
export interface NodeContent {
  readonly node: string;
  readonly complete: ReadonlyMap<string, string>;
  /** True if the node may have more images than listed. */
  readonly mayHaveMore?: boolean;
}

/** Maximum of images in the status of a node: `nodeStatusMaxImages` of the kubelet. */
const LISTED_IMAGES = 50;

/** Returns the names that must resolve on the nodes for these images. */
export function namesToFind(uses: readonly ImageUse[]): readonly string[] {
  return [...new Set(uses.flatMap(namesOf))];
}

/**
 * Returns the uses that an installation needs: all required ones except those that the user allows
 * to be missing. Images that the spec excludes are needed too. They may be on the nodes already,
 * and only the user knows whether a Pod starts them.
 */
export function neededImages(uses: readonly ImageUse[], allowed: readonly string[]): readonly ImageUse[] {
  const missing = new Set(allowed.map(normalizeReference));
  return uses.filter(({ required, normalized }) => required && !missing.has(normalized));
}

/**
 * Compares the images with the content of every node. Images of the bundle must have its digest.
 */
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

/** Describes a missing image with the data of the inventory. */
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

/** Reads the normalized image names of a Node object, which lists at most 50 images by default. */
export function contentOfNode(node: Json): NodeContent {
  const images = valueAt(node, "status.images");
  const listed = Array.isArray(images) ? images.filter(isRecord) : [];
  const names = listed.flatMap(({ names: imageNames }) =>
    Array.isArray(imageNames) ? imageNames.flatMap((name) => textOf(name) ?? []) : [],
  );
  return {
    node: nodeName(node),
    complete: new Map(names.map((name) => [normalizeReference(name), ""])),
    mayHaveMore: listed.length >= LISTED_IMAGES,
  };
}

function namesOf({ normalized }: ImageUse): readonly string[] {
  const reference = findReference(normalized);
  return reference === undefined ? [normalized] : [kubeletName(reference)];
}
