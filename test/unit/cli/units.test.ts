// Sizes and durations as text.
import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration, parseBytes } from "../../../src/cli/units.js";

describe("formatBytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [12_345, "12.3 kB"],
    [999_499, "999 kB"],
    [999_500, "1.00 MB"],
    [1_519_000_000, "1.52 GB"],
  ])("formats %d as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("formatDuration", () => {
  it.each([
    [40, "40 ms"],
    [1234, "1.2 s"],
    [45_600, "46 s"],
    [185_000, "3 min 05 s"],
    [119_700, "2 min 00 s"],
  ])("formats %d ms as %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe("parseBytes", () => {
  it.each([
    ["500MB", 500e6],
    ["4GiB", 4 * 2 ** 30],
    ["1.5 g", 1.5e9],
    ["77", 77],
  ])("parses %s", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(["", "MB", "-1", "5 parsecs", "5 constructor"])("rejects %j", (text) => {
    expect(() => parseBytes(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
