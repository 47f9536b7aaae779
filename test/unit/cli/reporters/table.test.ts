// Tables that fit the terminal, with the widths that letters have there.
import { describe, expect, it } from "vitest";
import stringWidth from "string-width";
import {
  formatTable,
  layOut,
  shorten,
  widthOf,
  wrap,
  type Column,
} from "../../../../src/cli/reporters/table.js";

const COLUMNS: readonly Column[] = [
  { heading: "NAME", shorten: "end", least: 6 },
  { heading: "IMAGE", shorten: "start", least: 10 },
  { heading: "SIZE", align: "right" },
  { heading: "NOTE", shorten: "end", leaveOut: 1 },
];
const ROWS = [
  ["구성 요소 이름", "quay.io/prometheus-operator/prometheus-config-reloader", "585 kB", "x".repeat(200)],
  ["📦 box", "docker.io/library/busybox", "1.2 MB", ""],
];

describe("formatTable", () => {
  it("aligns columns by their width in a terminal", () => {
    const lines = formatTable(
      [{ heading: "A" }, { heading: "B" }],
      [
        ["한글", "1"],
        ["👩‍👩‍👧", "2"],
        ["abc", "3"],
      ],
    ).split("\n");
    expect(lines).toEqual(["A     B", "한글  1", "👩‍👩‍👧    2", "abc   3"]);
  });

  it("keeps every cell without a width", () => {
    const text = formatTable(COLUMNS, ROWS);
    for (const cell of ROWS.flat()) expect(text).toContain(cell);
  });

  it.each([200, 120, 80, 60, 40, 20, 8, 3, 1])("has no line of more than %d columns", (width) => {
    const text = formatTable(COLUMNS, ROWS, { width });
    expect(Math.max(...text.split("\n").map((line) => stringWidth(line)))).toBeLessThanOrEqual(width);
    expect(text.split("\n")).toHaveLength(3);
  });

  it("leaves out the columns that may be, and says which", () => {
    const { text, leftOut } = layOut(COLUMNS, ROWS, { width: 34 });
    expect(leftOut).toEqual(["NOTE"]);
    expect(text.split("\n")[0]).not.toContain("NOTE");
    expect(text).toContain("585 kB");
    expect(text).toContain("-reloader");
  });

  it("shortens nothing that fits", () => {
    expect(layOut(COLUMNS, ROWS.slice(1), { width: 80 })).toMatchObject({ leftOut: [] });
  });
});

describe("shorten", () => {
  it.each([
    ["abcdef", 4, "end", "abc…"],
    ["abcdef", 4, "start", "…def"],
    ["한글이름", 5, "end", "한글…"],
    ["한글이름", 6, "start", "…이름"],
    ["👩‍👩‍👧👩‍👩‍👧", 3, "end", "👩‍👩‍👧…"],
    ["abc", 3, "end", "abc"],
    ["abc", 0, "end", ""],
  ] as const)("makes %s at most %d wide at its %s", (text, width, side, expected) => {
    expect(shorten(text, width, side)).toBe(expected);
    expect(widthOf(shorten(text, width, side))).toBeLessThanOrEqual(width);
  });
});

it("wraps a text between words, and words that are longer than a line", () => {
  expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
  expect(wrap("한글 이름", 5)).toEqual(["한글", "이름"]);
  expect(wrap("abcdefgh i", 4)).toEqual(["abcd", "efgh", "i"]);
});

describe("widthOf", () => {
  it.each([
    "abc",
    "…",
    "한글",
    "ｶ",
    "한글".normalize("NFD"),
    "e\u0301",
    "👩‍👩‍👧",
    "🇰🇷",
    "❤️",
    "1️⃣",
    "中文 text",
    "\u200b",
    "ا",
    "ไทย",
    "é…",
    "📦",
  ])("is that of string-width: %s", (text) => {
    expect(widthOf(text)).toBe(stringWidth(text));
  });
});
