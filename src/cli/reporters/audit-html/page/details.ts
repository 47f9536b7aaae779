// The dialog with the details of an image, or of the layers that several images share.
import { formatBytes } from "../../../units.js";
import { formatShare, type PageWords } from "../shared/draw-treemap.js";
import { element, type Markup, type MarkupElement } from "../shared/markup.js";
import type { PageData, PageImage, PageLayer } from "../shared/page-data.js";
import { byId, toNode } from "./dom.js";

const BAR_WIDTH = 80;

export class DetailsDialog {
  readonly #dialog = byId("details") as HTMLDialogElement;
  readonly #data: PageData;
  readonly #words: PageWords;

  constructor(data: PageData, words: PageWords) {
    this.#data = data;
    this.#words = words;
    this.#dialog.addEventListener("click", (event) => {
      // The backdrop belongs to the dialog; its content has elements of its own.
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  showImage(index: number): void {
    const image = this.#data.images[index];
    if (image !== undefined) this.#show(image.name, imageDetails(image, index, this.#data, this.#words));
  }

  /** Shows the layers that exactly these images share. */
  showShared(images: readonly number[]): void {
    const key = images.join();
    const layers = this.#data.layers.filter(([, , , users]) => users.join() === key);
    const names = images.map((index) => element("li", {}, this.#data.images[index]?.name ?? ""));
    this.#show(this.#words("sharedLayers"), [
      block(this.#words("usedByImages"), element("ul", { class: "names" }, ...names)),
      block(this.#words("layers"), layerTable(layers, -1, this.#data, this.#words)),
    ]);
  }

  #show(heading: string, content: readonly Markup[]): void {
    const close = toNode(element("button", { type: "button", class: "close" }, this.#words("close")));
    close.addEventListener("click", () => {
      this.#dialog.close();
    });
    const top = toNode(
      element("div", { class: "dialog-top" }, element("h2", { id: "details-heading" }, heading)),
    );
    top.appendChild(close);
    const inside = toNode(element("div", { class: "dialog-content", tabindex: "0" }, ...content));
    this.#dialog.replaceChildren(top, inside);
    this.#dialog.showModal();
  }
}

function imageDetails(image: PageImage, index: number, data: PageData, words: PageWords): readonly Markup[] {
  return [
    facts(image, words),
    ...findings(image, data, words),
    ...(image.workloads.length === 0
      ? []
      : [
          block(
            words("object"),
            element("ul", { class: "names" }, ...image.workloads.map((name) => element("li", {}, name))),
          ),
        ]),
    ...(image.evidence.length === 0 ? [] : [block(words("evidence"), evidence(image, data, words))]),
    ...image.platforms.map(({ platform, layers }) =>
      block(
        words("layersOf", { platform }),
        layerTable(
          layers.map((layer) => data.layers[layer]).filter((layer) => layer !== undefined),
          index,
          data,
          words,
        ),
      ),
    ),
  ];
}

function facts(image: PageImage, words: PageWords): MarkupElement {
  const user = image.user === "" ? words("noUser") : image.user;
  const isResolved = image.platforms.length > 0;
  const known = (bytes: number): string => sizeText(isResolved ? bytes : null, words);
  const all: readonly (readonly [string, string | null])[] = [
    [words("component"), image.components.join(", ")],
    [words("purpose"), image.purpose],
    [words("writtenAs"), image.reference === image.name ? null : image.reference],
    [words("digest"), image.digest + (image.rebuilt ? ` (${words("rebuilt")})` : "")],
    [words("platforms"), image.platforms.map(({ platform }) => platform).join(", ")],
    [words("size"), known(image.compressedBytes)],
    [words("unpacked"), sizeText(image.uncompressedBytes, words)],
    [words("sharedSize"), known(image.sharedBytes)],
    [words("ownSize"), known(image.uniqueBytes)],
    [words("created"), image.created],
    [words("user"), user],
    [words("base"), image.base],
    [words("required"), words(image.required ? "yes" : "no")],
    [words("confidence"), image.confidence],
  ];
  return list(all);
}

function findings(image: PageImage, data: PageData, words: PageWords): readonly Markup[] {
  if (image.findings.length === 0) return [];
  const items = image.findings.map(([severity, rule, message, isSuppressed]) =>
    element(
      "li",
      {},
      element("span", { class: `badge ${severity}` }, words(severity)),
      " ",
      element("code", {}, data.texts[rule] ?? ""),
      " ",
      data.texts[message] ?? "",
      ...(isSuppressed ? [` (${words("suppressed")})`] : []),
    ),
  );
  return [block(words("findings"), element("ul", { class: "subjects" }, ...items))];
}

function evidence(image: PageImage, data: PageData, words: PageWords): MarkupElement {
  const items = image.evidence.map((indexes) => {
    const [rule = "", chart = "", template = "", object = "", path = "", value = "", because] = indexes.map(
      (index) => data.texts[index] ?? "",
    );
    return element(
      "li",
      {},
      element("strong", {}, object === "" ? chart : object),
      list([
        [words("rule"), rule],
        [words("chart"), chart],
        [words("template"), template],
        [words("field"), path],
        [words("value"), value],
        [words("reason"), because ?? null],
      ]),
    );
  });
  return element("ol", { class: "evidence" }, ...items);
}

function layerTable(
  layers: readonly PageLayer[],
  image: number,
  data: PageData,
  words: PageWords,
): MarkupElement {
  const largest = layers.reduce((most, [, bytes]) => Math.max(most, bytes), 1);
  const total = layers.reduce((sum, [, bytes]) => sum + bytes, 0);
  const rows = layers.map(([digest, bytes, uncompressedBytes, images]) => {
    const others = images.filter((index) => index !== image);
    const names = others.slice(0, 3).map((index) => data.images[index]?.label ?? "");
    const more = others.length - names.length;
    const shared = [...names, ...(more > 0 ? [words("andMore", { count: more })] : [])].join(", ");
    return element(
      "tr",
      {},
      element("th", { scope: "row", title: digest }, element("code", {}, digest.slice(0, 19))),
      element("td", { class: "bar-cell" }, bar(bytes / largest)),
      element("td", { class: "number" }, formatBytes(bytes)),
      element("td", { class: "number wide" }, formatShare(bytes, total)),
      element("td", { class: "number wide" }, sizeText(uncompressedBytes, words)),
      element("td", {}, image === -1 ? "" : shared),
    );
  });
  return element(
    "table",
    {},
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", { scope: "col" }, words("digest")),
        element("td", {}),
        element("th", { scope: "col", class: "number" }, words("size")),
        element("td", { class: "wide" }),
        element("th", { scope: "col", class: "number wide" }, words("unpacked")),
        element("th", { scope: "col" }, image === -1 ? "" : words("usedByImages")),
      ),
    ),
    element("tbody", {}, ...rows),
  );
}

function bar(share: number): MarkupElement {
  const width = Math.max(1, Math.round(share * BAR_WIDTH));
  return element(
    "svg",
    { class: "bar", viewBox: `0 0 ${BAR_WIDTH} 8`, "aria-hidden": "true" },
    element("rect", { class: "track", width: BAR_WIDTH, height: 8, rx: 2 }),
    element("rect", { width, height: 8, rx: 2 }),
  );
}

function block(heading: string, content: Markup): MarkupElement {
  return element("section", {}, element("h3", {}, heading), content);
}

function list(all: readonly (readonly [string, string | null])[]): MarkupElement {
  const known = all.filter(([, value]) => value !== null && value !== "");
  return element(
    "dl",
    { class: "details" },
    ...known.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value ?? "")),
    ),
  );
}

function sizeText(bytes: number | null, words: PageWords): string {
  return bytes === null ? words("unknown") : formatBytes(bytes);
}
