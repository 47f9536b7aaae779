// Formats text tables that fit the terminal.
import { eastAsianWidth } from "get-east-asian-width";

/** A column; numbers are aligned to the right. */
export interface Column {
  readonly heading: string;
  readonly align?: "right";
  /** Which part of a long cell is left out. A column without it keeps its cells if possible. */
  readonly shorten?: "start" | "end";
  /** Cells are not made narrower than this, unless nothing else helps; 8 when absent. */
  readonly least?: number;
  /** The column is left out when the table does not fit; the highest number first. */
  readonly leaveOut?: number;
}

export interface TableOptions {
  /** Columns of the terminal. Undefined for a table of any width, for files and other programs. */
  readonly width?: number | undefined;
}

const GAP = "  ";
const ELLIPSIS = "…";
const DEFAULT_LEAST = 8;
/** What a column keeps in a very narrow terminal. */
const NARROWEST = 1;

/** Texts of which every character is a letter that takes one column. */
const PLAIN = /^[\u0020-\u007e\u2026]*$/;

/**
 * Formats headings and rows, with two spaces between columns. Widths are those of a terminal, where
 * Korean letters and emoji take two columns. With a width, no line is longer: columns are left out
 * and cells are shortened.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  return layOut(columns, rows, options).text;
}

/** A table, and the headings of the columns that did not fit. */
export interface FittedTable {
  readonly text: string;
  readonly leftOut: readonly string[];
}

/** Formats like `formatTable`, and returns which columns were left out. */
export function layOut(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { width }: TableOptions,
): FittedTable {
  const measured = columns.map((column, index) => {
    const cells = rows.map((row) => row[index] ?? "");
    const natural = Math.max(...[column.heading, ...cells].map(widthOf));
    return { ...column, cells, natural, width: natural };
  });
  const kept = width === undefined ? measured : fit(measured, width);
  const line = (cellOf: (column: FittedColumn) => string): string =>
    kept
      .map((column) => pad(cellOf(column), column))
      .join(GAP)
      .trimEnd();
  const lines = [line(({ heading }) => heading)];
  for (let row = 0; row < rows.length; row++) lines.push(line(({ cells }) => cells[row] ?? ""));
  const text = lines.map((one) => (width === undefined ? one : shorten(one, width, "end"))).join("\n");
  const leftOut = measured
    .filter(({ heading }) => kept.every((column) => column.heading !== heading))
    .map(({ heading }) => heading);
  return { text, leftOut };
}

/** Returns how many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  return PLAIN.test(text) ? text.length : sumOf(lettersOf(text).map(letterWidth));
}

/**
 * Returns what a reader takes for letters. Creating a segmenter takes 20 ms, so that plain texts are
 * split without one.
 */
function lettersOf(text: string): readonly string[] {
  if (PLAIN.test(text)) return Array.from(text);
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** Emoji take two columns, and others what Unicode says (https://www.unicode.org/reports/tr11/). */
function letterWidth(letter: string): number {
  if (/^[\p{Control}\p{Format}\p{Mark}\p{Default_Ignorable_Code_Point}]*$/u.test(letter)) return 0;
  if (/\p{Emoji_Presentation}|\p{Emoji}\u{fe0f}/u.test(letter)) return 2;
  return eastAsianWidth(letter.codePointAt(0) ?? 0);
}

/** Returns the text with at most this width; what is left out is replaced by `…`. */
export function shorten(text: string, width: number, side: "start" | "end"): string {
  if (widthOf(text) <= width) return text;
  const letters = side === "start" ? lettersOf(text).toReversed() : lettersOf(text);
  const kept: string[] = [];
  let left = width - widthOf(ELLIPSIS);
  for (const letter of letters) {
    left -= widthOf(letter);
    if (left < 0) break;
    kept.push(letter);
  }
  if (width < 1) return "";
  return side === "start" ? ELLIPSIS + kept.reverse().join("") : kept.join("") + ELLIPSIS;
}

/** Breaks a text at spaces into lines of at most this width. Longer words have lines of their own. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line].flatMap((one) => cut(one, width));
}

/** Cuts a word without spaces, such as a reference. */
function cut(word: string, width: number): readonly string[] {
  if (widthOf(word) <= width) return [word];
  const lines: string[] = [""];
  for (const letter of lettersOf(word)) {
    const line = lines.at(-1) ?? "";
    if (widthOf(line + letter) > width && line !== "") lines.push(letter);
    else lines[lines.length - 1] = line + letter;
  }
  return lines;
}

interface FittedColumn extends Column {
  readonly cells: readonly string[];
  readonly natural: number;
  readonly width: number;
}

function fit(columns: readonly FittedColumn[], width: number): readonly FittedColumn[] {
  const kept = leaveOut(columns, width);
  const room = width - GAP.length * (kept.length - 1);
  const least = kept.map(leastOf);
  // In a terminal where even this does not fit, every column becomes narrower.
  const floors = sumOf(least) <= room ? least : kept.map(() => NARROWEST);
  return narrow(kept, floors, room);
}

/** Leaves columns out until the others fit when they are as narrow as they may be. */
function leaveOut(columns: readonly FittedColumn[], width: number): readonly FittedColumn[] {
  const needed = sumOf(columns.map(leastOf)) + GAP.length * (columns.length - 1);
  if (needed <= width) return columns;
  const [last] = columns
    .filter((column) => column.leaveOut !== undefined)
    .toSorted((one, other) => (other.leaveOut ?? 0) - (one.leaveOut ?? 0));
  return last === undefined
    ? columns
    : leaveOut(
        columns.filter((column) => column !== last),
        width,
      );
}

function leastOf({ natural, shorten: side, least = DEFAULT_LEAST }: FittedColumn): number {
  return side === undefined ? natural : Math.min(natural, least);
}

/** Takes from the widest columns first. */
function narrow(
  columns: readonly FittedColumn[],
  floors: readonly number[],
  room: number,
): readonly FittedColumn[] {
  const widths = columns.map(({ natural }) => natural);
  let excess = sumOf(widths) - room;
  while (excess > 0) {
    const open = widths.flatMap((one, index) => (one > (floors[index] ?? 0) ? [index] : []));
    if (open.length === 0) break;
    const widest = open.reduce((best, index) => ((widths[index] ?? 0) > (widths[best] ?? 0) ? index : best));
    const next = Math.max(0, ...open.filter((index) => index !== widest).map((index) => widths[index] ?? 0));
    const now = widths[widest] ?? 0;
    const step = Math.max(1, Math.min(excess, now - next, now - (floors[widest] ?? 0)));
    widths[widest] = now - step;
    excess -= step;
  }
  return columns.map((column, index) => ({ ...column, width: widths[index] ?? 0 }));
}

function pad(cell: string, { width, align, shorten: side = "end" }: FittedColumn): string {
  const text = shorten(cell, width, side);
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "right" ? space + text : text + space;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
