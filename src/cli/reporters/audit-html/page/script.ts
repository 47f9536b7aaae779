// The script of the page: theme, treemap, tables that sort and filter, and the details of an image.
// It is bundled as text into the program (scripts/page-text.js), and runs in a browser.
import type { PageData } from "../shared/page-data.js";
import { element } from "../shared/markup.js";
import { DetailsDialog } from "./details.js";
import { byId, toNode } from "./dom.js";
import { makeImageTable, makeSortable } from "./tables.js";
import { pageWords } from "./page-words.js";
import { Treemap } from "./treemap-view.js";

const data = JSON.parse(byId("data").textContent) as PageData;
const words = pageWords(data.words);

const details = new DetailsDialog(data, words);
addPageTools();
if (document.getElementById("treemap") !== null) new Treemap(byId("treemap"), data, words, details);
for (const table of document.querySelectorAll("main table")) makeSortable(table, words);
if (document.getElementById("image-table") !== null) makeImageTable(data, words, details);
openForPrint();

function addPageTools(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = toNode(
    element("button", { type: "button", "aria-pressed": String(dark) }, words("darkTheme")),
  ) as HTMLButtonElement;
  theme.addEventListener("click", () => {
    const isDark = theme.getAttribute("aria-pressed") !== "true";
    theme.setAttribute("aria-pressed", String(isDark));
    document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
  });
  const print = toNode(element("button", { type: "button" }, words("print")));
  print.addEventListener("click", () => {
    window.print();
  });
  byId("page-tools").append(theme, print);
}

/** What is closed on the screen is printed too. */
function openForPrint(): void {
  const closed = new Set<HTMLDetailsElement>();
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll<HTMLDetailsElement>("details:not([open])")) {
      one.open = true;
      closed.add(one);
    }
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
    closed.clear();
  });
}
