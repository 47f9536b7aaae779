// Lays out a tree of sizes as nested rectangles.
import type { SizeNode } from "./size-tree.js";

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A node with its place. `children` are inside of it. */
export interface Cell extends Rectangle {
  readonly node: SizeNode;
  readonly children: readonly Cell[];
}

/** The space in pixels that a treemap leaves inside of a rectangle. */
export interface CellInsets {
  readonly edge: number;
  readonly top: number;
}

/**
 * Returns the cells of the node's children in the area. `insetsOf` returns the space between a cell and
 * its children, or undefined when the children are not shown.
 */
export function layOut(
  node: SizeNode,
  area: Rectangle,
  insetsOf: (node: SizeNode, area: Rectangle) => CellInsets | undefined,
): readonly Cell[] {
  return squarify(node.children, area).map(([child, place]) => {
    const insets = child.children.length === 0 ? undefined : insetsOf(child, place);
    if (insets === undefined) return { node: child, ...place, children: [] };
    const inside = {
      x: place.x + insets.edge,
      y: place.y + insets.top,
      width: Math.max(0, place.width - 2 * insets.edge),
      height: Math.max(0, place.height - insets.top - insets.edge),
    };
    return { node: child, ...place, children: layOut(child, inside, insetsOf) };
  });
}

/**
 * Divides the area by the sizes of the nodes, with rectangles that are close to squares. The nodes
 * are sorted by size (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000).
 */
function squarify(nodes: readonly SizeNode[], area: Rectangle): readonly (readonly [SizeNode, Rectangle])[] {
  const placed: (readonly [SizeNode, Rectangle])[] = [];
  let free = area;
  let left = nodes.reduce((total, { bytes }) => total + bytes, 0);
  let start = 0;
  while (start < nodes.length) {
    const perByte = left === 0 ? 0 : (free.width * free.height) / left;
    const side = Math.min(free.width, free.height);
    let end = start + 1;
    let bytes = nodes[start]?.bytes ?? 0;
    let worst = largestRatio(nodes.slice(start, end), bytes, perByte, side);
    while (end < nodes.length) {
      const more = bytes + (nodes[end]?.bytes ?? 0);
      const next = largestRatio(nodes.slice(start, end + 1), more, perByte, side);
      if (next > worst) break;
      [bytes, worst, end] = [more, next, end + 1];
    }
    const isColumn = free.width >= free.height;
    const thickness = side === 0 ? 0 : (bytes * perByte) / side;
    let offset = 0;
    for (const node of nodes.slice(start, end)) {
      const length = bytes === 0 ? 0 : (node.bytes / bytes) * side;
      placed.push([
        node,
        isColumn
          ? { x: free.x, y: free.y + offset, width: thickness, height: length }
          : { x: free.x + offset, y: free.y, width: length, height: thickness },
      ]);
      offset += length;
    }
    free = isColumn
      ? { ...free, x: free.x + thickness, width: Math.max(0, free.width - thickness) }
      : { ...free, y: free.y + thickness, height: Math.max(0, free.height - thickness) };
    left -= bytes;
    start = end;
  }
  return placed;
}

/** Returns the largest ratio of length and width in a row of nodes of `bytes` in total. */
function largestRatio(row: readonly SizeNode[], bytes: number, perByte: number, side: number): number {
  const largest = (row[0]?.bytes ?? 0) * perByte;
  const smallest = (row.at(-1)?.bytes ?? 0) * perByte;
  const square = side * side;
  const area = (bytes * perByte) ** 2;
  return Math.max((square * largest) / (area || 1), area / (square * smallest || 1));
}
