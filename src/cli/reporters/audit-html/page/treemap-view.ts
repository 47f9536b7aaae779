// The treemap on the screen: drawn for the width of the page, with areas that open, and by keyboard.
import { areaLabel, colourOf, drawTreemap, nodeName, type PageWords } from "../shared/draw-treemap.js";
import { element } from "../shared/markup.js";
import type { PageData } from "../shared/page-data.js";
import { sizeTree, type SizeNode } from "../shared/size-tree.js";
import type { DetailsDialog } from "./details.js";
import { toNode } from "./dom.js";

const DIRECTIONS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Treemap {
  readonly #place: HTMLElement;
  readonly #words: PageWords;
  readonly #details: DetailsDialog;
  readonly #root: SizeNode;
  readonly #path = document.createElement("p");
  /** The component that is shown alone. */
  #component: SizeNode | undefined;
  #nodes: readonly SizeNode[] = [];
  #width = 0;

  constructor(place: HTMLElement, data: PageData, words: PageWords, details: DetailsDialog) {
    this.#place = place;
    this.#words = words;
    this.#details = details;
    this.#root = sizeTree(data);
    this.#path.className = "path";
    const help = toNode(element("p", { class: "hidden", id: "treemap-help" }, words("treemapHelp")));
    place.before(this.#path, help);
    place.addEventListener("click", (event) => {
      this.#open(this.#areaOf(event.target));
    });
    place.addEventListener("keydown", (event) => {
      this.#onKey(event);
    });
    new ResizeObserver(() => {
      if (Math.abs(place.clientWidth - this.#width) > 1) this.#draw();
    }).observe(place);
    this.#draw();
  }

  #draw(): void {
    this.#width = this.#place.clientWidth;
    const shown = this.#component ?? this.#root;
    const { svg, nodes } = drawTreemap(shown, {
      width: this.#width,
      // A narrow screen is filled by height.
      height: Math.round(Math.min(Math.max(this.#width * 0.42, 460), 560)),
      words: this.#words,
      totalBytes: this.#root.bytes,
      smallestLayer: 3,
      isInteractive: true,
      ...(this.#component !== undefined && {
        colour: colourOf(this.#root.children.indexOf(this.#component)),
      }),
    });
    this.#nodes = nodes;
    const drawn = toNode({ ...svg, attributes: { ...svg.attributes, "aria-describedby": "treemap-help" } });
    this.#place.replaceChildren(drawn);
    this.#areas()[0]?.setAttribute("tabindex", "0");
    this.#drawPath(shown);
  }

  #drawPath(shown: SizeNode): void {
    const name = nodeName(this.#root, this.#words);
    if (this.#component === undefined) {
      this.#path.replaceChildren(name);
      return;
    }
    const up = toNode(element("button", { type: "button" }, name));
    up.addEventListener("click", () => {
      this.#leave();
    });
    const label = areaLabel(shown, { words: this.#words, totalBytes: this.#root.bytes });
    this.#path.replaceChildren(up, ` / ${label}`);
  }

  #open(area: SVGElement | undefined): void {
    const node = this.#nodes[Number(area?.dataset["node"])];
    if (area === undefined || node === undefined) return;
    this.#focus(area);
    const [image] = node.images;
    if (node.kind === "component") this.#enter(node);
    else if (node.kind === "shared") this.#details.showShared(node.images);
    else if (image !== undefined) this.#details.showImage(image);
  }

  #enter(component: SizeNode): void {
    this.#component = component;
    this.#draw();
    this.#areas()[0]?.focus();
  }

  #leave(): void {
    const left = this.#component;
    this.#component = undefined;
    this.#draw();
    const area = this.#areas().find((one) => this.#nodes[Number(one.dataset["node"])] === left);
    if (area !== undefined) this.#focus(area);
  }

  #onKey(event: KeyboardEvent): void {
    const area = this.#areaOf(event.target);
    const direction = DIRECTIONS[event.key];
    if (area === undefined) return;
    if (direction !== undefined) {
      const next = nearest(area, this.#areas(), direction);
      if (next !== undefined) this.#focus(next);
    } else if (event.key === "Enter" || event.key === " ") this.#open(area);
    else if (event.key === "Escape" && this.#component !== undefined) this.#leave();
    else return;
    event.preventDefault();
  }

  /** One area at a time is in the order of the Tab key. */
  #focus(area: SVGElement): void {
    for (const other of this.#areas()) other.setAttribute("tabindex", "-1");
    area.setAttribute("tabindex", "0");
    area.focus();
  }

  #areaOf(target: EventTarget | null): SVGElement | undefined {
    if (!(target instanceof Element)) return undefined;
    const found = target.closest<SVGElement>("[data-node], [data-parent]");
    const index = found?.dataset["node"] ?? found?.dataset["parent"];
    return this.#areas().find((area) => area.dataset["node"] === index);
  }

  #areas(): readonly SVGElement[] {
    return [...this.#place.querySelectorAll<SVGElement>("[data-node]")];
  }
}

/** Returns the area whose corner is the nearest one in the direction. */
function nearest(
  from: SVGElement,
  areas: readonly SVGElement[],
  [right, down]: readonly [number, number],
): SVGElement | undefined {
  const [x, y] = corner(from);
  let best: SVGElement | undefined;
  let least = Infinity;
  for (const area of areas) {
    const [areaX, areaY] = corner(area);
    const along = (areaX - x) * right + (areaY - y) * down;
    const across = Math.abs((areaX - x) * down) + Math.abs((areaY - y) * right);
    const distance = along + 2 * across;
    if (area !== from && along > 1 && distance < least) [best, least] = [area, distance];
  }
  return best;
}

/** The upper left corner: that of a component is its heading, so its images are below it. */
function corner(area: SVGElement): readonly [number, number] {
  const { left, top } = area.getBoundingClientRect();
  return [left, top];
}
