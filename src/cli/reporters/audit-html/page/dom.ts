// Makes markup into nodes of the document.
import type { Markup } from "../shared/markup.js";

const SVG = "http://www.w3.org/2000/svg";

/** Returns the nodes of the markup. Texts become text nodes, so nothing in them is interpreted. */
export function toNode(markup: Markup, namespace: string | null = null): Node {
  if (typeof markup === "string") return document.createTextNode(markup);
  const { tag, attributes, children } = markup;
  const inside = tag === "svg" ? SVG : namespace;
  const node = inside === null ? document.createElement(tag) : document.createElementNS(inside, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.map((child) => toNode(child, inside)));
  return node;
}

/** Returns the element with the id, which the page always has. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}
