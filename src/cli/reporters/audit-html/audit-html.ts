// Formats the audit as one HTML page that needs nothing else: no network, no other file.
import { createHash } from "node:crypto";
import type { AuditReport } from "../../../core/audit/report.js";
import type { Language } from "../../../core/words/language.js";
import { HTML_WORDS } from "../../../core/words/page.js";
import { phrasesOf } from "../../../core/words/phrase.js";
import { element, toHtml, toScriptJson, type Markup, type MarkupElement } from "./shared/markup.js";
import { pageData, type PageData } from "./shared/page-data.js";
import { pageSections, totals, type SectionInput } from "./sections.js";
import style from "./page/page.css?text";
import script from "./page/script.ts?text";

/** How the page begins, after the type of the document. No other page has this. */
export const HTML_GENERATOR = '<meta name="generator" content="viola-airgap audit">';

/** Returns the page. It contains no time of its own: the same report gives the same bytes. */
export function formatAuditHtml(report: AuditReport, language: Language): string {
  const words = phrasesOf(HTML_WORDS, language);
  const data = pageData(report, wordsIn(language));
  const input: SectionInput = { report, data, words };
  const title = words("title", { name: report.name, version: report.version });
  return [
    "<!doctype html>",
    `<html lang="${language}">`,
    "<head>",
    '<meta charset="utf-8">',
    HTML_GENERATOR,
    toHtml(element("meta", { "http-equiv": "Content-Security-Policy", content: POLICY })),
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    toHtml(element("title", {}, title)),
    `<style>${style}</style>`,
    "</head>",
    toHtml(element("body", {}, ...body(input))).replace(
      /<\/body>$/,
      () =>
        `<script type="application/json" id="data">${toScriptJson(data)}</script>\n<script>${script}</script>\n</body>`,
    ),
    "</html>",
  ].join("\n");
}

/** Only this style and this script. Nothing is fetched, and nothing is sent. */
const POLICY = [
  "default-src 'none'",
  `style-src '${sourceHash(style)}'`,
  `script-src '${sourceHash(script)}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function sourceHash(source: string): string {
  return `sha256-${createHash("sha256").update(source).digest("base64")}`;
}

function body(input: SectionInput): readonly MarkupElement[] {
  const { words } = input;
  const sections = pageSections(input);
  return [
    element("a", { class: "skip", href: "#main" }, words("skip")),
    header(input),
    element(
      "main",
      { id: "main" },
      element("noscript", {}, element("p", { class: "lead" }, words("noScript"))),
      element(
        "section",
        { "aria-labelledby": "summary" },
        element("h2", { id: "summary", class: "hidden" }, words("summary")),
        totals(input),
      ),
      element(
        "nav",
        { "aria-label": words("sections") },
        ...sections.map(({ id, heading }) => element("a", { href: `#${id}` }, heading)),
      ),
      ...sections.map(({ id, heading, content }) =>
        element("section", { "aria-labelledby": id }, element("h2", { id }, heading), ...content),
      ),
    ),
    element("footer", {}, element("p", {}, words("footer"))),
    element("dialog", { id: "details", "aria-labelledby": "details-heading" }),
  ];
}

function header({ report, words }: SectionInput): MarkupElement {
  const facts: readonly (readonly [string, string])[] = [
    [words("platforms"), report.platforms.join(", ")],
    ...(report.kubeVersion === null ? [] : [[words("kubernetes"), report.kubeVersion] as const]),
  ];
  return element(
    "header",
    {},
    element(
      "div",
      {},
      element("p", { class: "overline" }, words("audit")),
      element("h1", {}, report.name, " ", element("span", { class: "version" }, report.version)),
      element(
        "p",
        { class: "facts" },
        ...facts.map(([name, value]): Markup => element("span", {}, `${name}: ${value}`)),
      ),
    ),
    element("div", { id: "page-tools", class: "tools" }),
  );
}

function wordsIn(language: Language): PageData["words"] {
  const texts = Object.entries(HTML_WORDS).map(([key, entry]) => [key, entry[language]]);
  return Object.fromEntries(texts) as PageData["words"];
}
