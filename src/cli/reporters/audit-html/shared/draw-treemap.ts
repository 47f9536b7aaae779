// Draws the tree of sizes as an SVG treemap, for the page as it is printed and for its script.
import { formatBytes } from "../../../units.js";
import type { Phrase } from "../../../../core/words/phrase.js";
import type { HTML_WORDS } from "../../../../core/words/page.js";
import { element, type Markup, type MarkupElement } from "./markup.js";
import type { SizeNode } from "./size-tree.js";
import { layOut, type Cell, type CellInsets } from "./treemap.js";

export type PageWords = Phrase<typeof HTML_WORDS>;

/** The number of colours of components in the stylesheet. */
const COLOURS = 8;
const HEADER = 20;
const EDGE = 2;
/** Width of a character of a label in pixels, in wide fonts; of East Asian ones and emoji, twice that. */
const CHARACTER = 7.4;
const BOLD = 1.18;
/** A shortened label of less width says nothing. */
const SHORTEST_LABEL = 6 * CHARACTER;

export interface DrawOptions {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly words: PageWords;
  /** Size of the whole bundle, for shares. */
  readonly totalBytes: number;
  /** Colour of all cells; by default, each child of the node has its own. */
  readonly colour?: number;
  /** Layers with a shorter side are not drawn, in pixels. */
  readonly smallestLayer: number;
  /** True if the script makes areas buttons. */
  readonly isInteractive: boolean;
}

/** A treemap, and the nodes that its areas stand for: `data-node` is an index of `nodes`. */
export interface DrawnTreemap {
  readonly svg: MarkupElement;
  readonly nodes: readonly SizeNode[];
}

/** Returns the colour of a child of the bundle. */
export function colourOf(index: number): number {
  return index % COLOURS;
}

/** Draws the children of the node, with two more levels where there is room. */
export function drawTreemap(node: SizeNode, options: DrawOptions): DrawnTreemap {
  const { width, height, words, isInteractive } = options;
  const nodes: SizeNode[] = [];
  const cells = layOut(node, { x: 0, y: 0, width, height }, insetsOf);
  const areas = cells.flatMap((cell, index) =>
    drawCell(cell, { level: 1, colour: options.colour ?? colourOf(index) }, options, nodes),
  );
  const svg = element(
    "svg",
    {
      class: "treemap",
      viewBox: `0 0 ${width} ${height}`,
      role: isInteractive ? "group" : "img",
      "aria-label": words("treemap"),
      "data-bytes": node.bytes,
    },
    hatching(),
    ...areas,
  );
  return { svg, nodes };
}

function insetsOf(
  { kind }: SizeNode,
  { width, height }: { width: number; height: number },
): CellInsets | undefined {
  if (kind === "component") return { edge: EDGE, top: width > 48 && height > 44 ? HEADER : EDGE };
  return width > 20 && height > 20 ? { edge: 0, top: 0 } : undefined;
}

interface CellStyle {
  /** 1 for the outermost cells. */
  readonly level: number;
  readonly colour: number;
  /** Index of the node that the cell is in, if that is drawn. */
  readonly parent?: number;
}

function drawCell(
  cell: Cell,
  { level, colour, parent }: CellStyle,
  options: DrawOptions,
  nodes: SizeNode[],
): readonly MarkupElement[] {
  const { node } = cell;
  const isLeaf = node.kind === "layer" || (node.kind === "config" && node.images.length > 0);
  if (isLeaf && Math.min(cell.width, cell.height) < options.smallestLayer) return [];
  const description = areaLabel(node, options);
  const isNeutral = node.kind === "shared" || node.kind === "config";
  const isButton = !isLeaf && node.kind !== "config";
  const index = isButton ? nodes.push(node) - 1 : undefined;
  const area = element(
    "g",
    {
      class: `area ${node.kind} ${isLeaf ? "leaf" : isNeutral ? "neutral" : `colour-${colour}`}`,
      ...(options.isInteractive && { "data-bytes": node.bytes, "data-level": level }),
      "data-node": index,
      // A click on a layer is a click on its image.
      "data-parent": isLeaf && options.isInteractive ? parent : undefined,
      ...(isButton && options.isInteractive && { role: "button", tabindex: "-1", "aria-label": description }),
    },
    element("title", {}, description),
    element("rect", box(cell)),
    ...(node.kind === "shared" ? [element("rect", { ...box(cell), class: "hatched" })] : []),
  );
  const inside = cell.children.flatMap((child) =>
    drawCell(
      child,
      { level: level + 1, colour, ...(index !== undefined && { parent: index }) },
      options,
      nodes,
    ),
  );
  // Layers are drawn over their image, and the label over both.
  return [area, ...inside, ...labels(cell, options)];
}

function labels(cell: Cell, { words }: DrawOptions): readonly MarkupElement[] {
  const { node, x, y, width, height } = cell;
  if (node.kind === "layer" || node.kind === "config" || width < 36 || height < 18) return [];
  const room = width - 10;
  const name = nodeName(node, words);
  const size = formatBytes(node.bytes);
  const at = { x: round(x + 5), y: round(y + 14) };
  if (node.kind === "component") {
    if (height <= 44 || width <= 48) return [];
    const sizeWidth = textWidth(size) + 8;
    const hasSize = room - sizeWidth > 6 * CHARACTER * BOLD;
    return [
      ...label("name", at, fit(name, (hasSize ? room - sizeWidth : room) / BOLD)),
      ...(hasSize ? label("size end", { ...at, x: round(x + width - 5) }, size) : []),
    ];
  }
  const second = { ...at, y: round(y + 29) };
  const shown = fit(name, room);
  return [
    ...label(node.kind, at, shown),
    ...(shown !== "" && height > 36 && textWidth(size) < room
      ? label(`${node.kind} size`, second, size)
      : []),
  ];
}

/** The area has the whole text, so the label is only for the eye. */
function label(
  className: string,
  at: { readonly x: number; readonly y: number },
  content: string,
): readonly MarkupElement[] {
  if (content === "") return [];
  return [element("text", { class: `label ${className}`, ...at, "aria-hidden": "true" }, content)];
}

/** Returns the name of a node for people. */
export function nodeName(node: SizeNode, words: PageWords): string {
  switch (node.kind) {
    case "bundle":
      return words("allComponents");
    case "shared":
      return words("sharedBy", { count: node.images.length });
    case "config":
      return words("configs");
    case "layer":
      return node.name.slice(0, 19);
    case "component":
    case "image":
      return node.name;
  }
}

/** Returns name, size and share of a node. */
export function areaLabel(
  node: SizeNode,
  { words, totalBytes }: Pick<DrawOptions, "words" | "totalBytes">,
): string {
  const share = formatShare(node.bytes, totalBytes);
  return words("areaLabel", { name: nodeName(node, words), size: formatBytes(node.bytes), share });
}

/** Formats `12 %`, and `<1 %` for a small share. */
export function formatShare(bytes: number, total: number): string {
  const percent = total === 0 ? 0 : (100 * bytes) / total;
  return percent > 0 && percent < 1 ? "<1 %" : `${Math.round(percent)} %`;
}

function hatching(): Markup {
  return element(
    "defs",
    {},
    element(
      "pattern",
      { id: "hatching", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      element("rect", { class: "hatch", width: 2, height: 7 }),
    ),
  );
}

function box({ x, y, width, height }: Cell): Readonly<Record<"x" | "y" | "width" | "height", number>> {
  return { x: round(x), y: round(y), width: round(width), height: round(height) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Shortens a text to a width in pixels. */
function fit(content: string, room: number): string {
  if (textWidth(content) <= room) return content;
  let shown = "";
  let width = CHARACTER;
  for (const character of content) {
    width += textWidth(character);
    if (width > room) break;
    shown += character;
  }
  return width < SHORTEST_LABEL ? "" : `${shown}…`;
}

function textWidth(content: string): number {
  let width = 0;
  for (const character of content) width += /[\u1100-\u{1ffff}]/u.test(character) ? 2 * CHARACTER : CHARACTER;
  return width;
}
