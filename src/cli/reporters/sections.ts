// Formats sections of a report, each with a heading and a table, for a terminal or as Markdown.
import { formatTable, wrap, type Column } from "./table.js";

/** A heading, and the rows below it. */
export interface Section {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

/** Formats the section for a terminal of this width; undefined for any width. */
export function sectionTable({ title, columns, rows }: Section, width: number | undefined): string {
  const headings = columns.map((column) => ({ ...column, heading: column.heading.toUpperCase() }));
  return `${title}\n${formatTable(headings, rows, { width })}`;
}

export function sectionMarkdown({ title, columns, rows }: Section): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    `## ${escapeMarkdown(title)}`,
    "",
    line(columns.map(({ heading }) => heading)),
    line(columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
    ...rows.map((cells) => line(cells.map(escapeMarkdown))),
  ].join("\n");
}

/** Returns the lines of a text in a terminal; all but the first are indented. */
export function fold(text: string, width: number | undefined): readonly string[] {
  if (width === undefined) return [text];
  const indent = width > 20 ? "    " : "";
  const [first = "", ...rest] = wrap(text, width);
  const more = rest.length === 0 ? [] : wrap(rest.join(" "), width - indent.length);
  return [first, ...more.map((line) => indent + line)];
}

/** Texts come from charts and images, so that they must not become markup. */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/[\\`*_[\]|~#]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[\r\n]+/g, " ");
}
