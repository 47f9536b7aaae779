// Markup as data, and its text as HTML. The page's script makes the same data into nodes.

/** An element, or a text. Texts and attributes are escaped where they are written. */
export type Markup = string | MarkupElement;

export interface MarkupElement {
  readonly tag: string;
  readonly attributes: Attributes;
  readonly children: readonly Markup[];
}

/** Attributes that are undefined or false are left out; true is an attribute without a value. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Describes an element. */
export function element(tag: string, attributes: Attributes = {}, ...children: Markup[]): MarkupElement {
  return { tag, attributes, children };
}

/** https://html.spec.whatwg.org/multipage/syntax.html#void-elements, those that the page uses. */
const VOID = new Set(["input", "meta", "wbr"]);

/** Returns the HTML of the markup. */
export function toHtml(markup: Markup): string {
  if (typeof markup === "string") return escapeText(markup);
  const { tag, attributes, children } = markup;
  const open = `<${tag}${Object.entries(attributes).map(attribute).join("")}>`;
  return VOID.has(tag) ? open : `${open}${children.map(toHtml).join("")}</${tag}>`;
}

function attribute([name, value]: [string, Attributes[string]]): string {
  if (value === undefined || value === false) return "";
  return value === true ? ` ${name}` : ` ${name}="${escapeText(String(value)).replaceAll('"', "&quot;")}"`;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/**
 * Returns JSON for a `script` element. It cannot end the element or begin a comment
 * (https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements).
 */
export function toScriptJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
