// Makes tables sort by a column, and the table of images filter and open details.
import { formatBytes } from "../../../units.js";
import type { PageWords } from "../shared/draw-treemap.js";
import { element } from "../shared/markup.js";
import type { PageData } from "../shared/page-data.js";
import type { DetailsDialog } from "./details.js";
import { byId, toNode } from "./dom.js";

/** Adds a button to each heading, which sorts the rows and then reverses them. */
export function makeSortable(table: Element, words: PageWords): void {
  const body = table.querySelector("tbody");
  if (body === null) return;
  for (const [index, heading] of [...table.querySelectorAll("thead th")].entries()) {
    const isNumber = heading.classList.contains("number");
    const name = heading.textContent;
    const button = toNode(
      element("button", { type: "button", title: words("sortBy", { column: name }) }, name),
    );
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      // Numbers begin with the largest.
      const isDescending = before === null ? isNumber : before === "ascending";
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
      const sign = isDescending ? -1 : 1;
      const rows = [...body.rows].map((row) => ({ row, key: sortKey(row.cells[index], isNumber) }));
      rows.sort((a, b) => sign * compareKeys(a.key, b.key));
      body.append(...rows.map(({ row }) => row));
    });
  }
}

function sortKey(cell: HTMLTableCellElement | undefined, isNumber: boolean): string | number {
  const text = cell?.dataset["value"] ?? cell?.textContent ?? "";
  return isNumber ? Number(text) : text;
}

const COLLATOR = new Intl.Collator(undefined, { numeric: true });

function compareKeys(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number" ? a - b : COLLATOR.compare(String(a), String(b));
}

/** Adds a filter to the table of images, and makes each image a button that opens its details. */
export function makeImageTable(data: PageData, words: PageWords, details: DetailsDialog): void {
  const rows = [...byId("image-table").querySelectorAll<HTMLTableRowElement>("tbody tr")].map((row) => {
    const index = Number(row.dataset["image"]);
    const name = row.querySelector(".image-name");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "image-name";
    button.append(...(name?.childNodes ?? []));
    name?.replaceWith(button);
    row.addEventListener("click", () => {
      // A click that ends the selection of text is no click on the row.
      if (getSelection()?.isCollapsed !== false) details.showImage(index);
    });
    const image = data.images[index];
    const texts = [
      image?.reference,
      image?.name,
      image?.purpose,
      ...(image?.components ?? []),
      ...(image?.workloads ?? []),
    ];
    return {
      row,
      index,
      text: texts.join("\n").toLowerCase(),
      hasFindings: row.dataset["findings"] !== "0",
    };
  });

  const input = toNode(
    element("input", { type: "search", placeholder: words("filterHint"), "aria-label": words("filter") }),
  ) as HTMLInputElement;
  const withFindings = toNode(element("input", { type: "checkbox" })) as HTMLInputElement;
  const label = toNode(element("label", {}));
  label.appendChild(withFindings);
  label.appendChild(document.createTextNode(` ${words("onlyWithFindings")}`));
  const status = toNode(element("p", { role: "status" })) as HTMLElement;

  const filter = (): void => {
    const wanted = input.value.toLowerCase().split(/\s+/);
    const shown = new Set<number>();
    for (const { row, index, text, hasFindings } of rows) {
      const isShown = (!withFindings.checked || hasFindings) && wanted.every((word) => text.includes(word));
      row.hidden = !isShown;
      if (isShown) shown.add(index);
    }
    const size = formatBytes(bytesOf(shown, data));
    status.textContent = words("shownImages", { shown: shown.size, all: rows.length, size });
  };
  input.addEventListener("input", filter);
  withFindings.addEventListener("change", filter);
  byId("image-tools").append(input, label, status);
  filter();
}

/** Returns the size of the images together: each layer is counted once. */
function bytesOf(shown: ReadonlySet<number>, { images, layers }: PageData): number {
  let bytes = 0;
  for (const [, size, , users] of layers) {
    if (users.some((user) => shown.has(user))) bytes += size;
    // The size of an image's own blobs includes its own layers, and its configs.
    const [user] = users;
    if (users.length === 1 && user !== undefined && shown.has(user)) bytes -= size;
  }
  for (const index of shown) bytes += images[index]?.uniqueBytes ?? 0;
  return bytes;
}
