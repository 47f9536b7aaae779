// The tree of sizes: each byte once, and shared layers where they belong. And the treemap: areas in
// proportion, inside of each other, and not over each other.
import { describe, expect, it } from "vitest";
import { pageData, type PageData } from "../../../../../src/cli/reporters/audit-html/shared/page-data.js";
import { sizeTree, type SizeNode } from "../../../../../src/cli/reporters/audit-html/shared/size-tree.js";
import { layOut, type Cell } from "../../../../../src/cli/reporters/audit-html/shared/treemap.js";
import { auditReportOf, largeReport, type ImageSketch } from "../../../../support/audit-report-of.js";

const NO_WORDS = {} as PageData["words"];
const treeOf = (...sketches: readonly ImageSketch[]): SizeNode =>
  sizeTree(pageData(auditReportOf(sketches), NO_WORDS));

function leaves(node: SizeNode): readonly SizeNode[] {
  return node.children.length === 0 ? [node] : node.children.flatMap(leaves);
}

/** `kind name bytes`, without leaves. */
function outline(node: SizeNode): unknown {
  const inside = node.children.filter(({ children }) => children.length > 0).map(outline);
  return [`${node.kind} ${node.name || node.images.join("+")} ${node.bytes}`, ...inside];
}

describe("the tree of sizes", () => {
  it("has shared layers in the component that has all their images, or else beside the components", () => {
    const root = treeOf(
      { name: "r.io/a:1", components: ["one"], layers: { all: 100, ones: 50, a: 7 } },
      { name: "r.io/b:1", components: ["one"], layers: { all: 100, ones: 50, b: 5 } },
      { name: "r.io/c:1", components: ["two"], layers: { all: 100, c: 3 } },
    );

    expect(outline(root)).toEqual([
      "bundle  165",
      ["shared 0+1+2 100"],
      ["component one 62", ["shared 0+1 50"], ["image a:1 7"], ["image b:1 5"]],
      ["component two 3", ["image c:1 3"]],
    ]);
  });

  it("has an image of several components, or of none, beside the components", () => {
    const root = treeOf(
      { name: "r.io/a:1", components: ["one", "two"], layers: { a: 7 } },
      { name: "r.io/b:1", components: ["one"], layers: { b: 5 } },
      { name: "r.io/c:1", layers: { c: 3 } },
    );

    expect(outline(root)).toEqual([
      "bundle  15",
      ["image a:1 7"],
      ["component one 5", ["image b:1 5"]],
      ["image c:1 3"],
    ]);
  });

  it("counts the configs of an image with it, and configs that images share in the bundle", () => {
    const report = auditReportOf([{ name: "r.io/a:1", layers: { a: 7 }, config: 2 }]);
    const totals = { ...report.totals, uniqueBytes: 13 };
    const root = sizeTree(pageData({ ...report, totals }, NO_WORDS));

    expect(leaves(root).map(({ kind, bytes }) => [kind, bytes])).toEqual([
      ["layer", 7],
      ["config", 2],
      ["config", 4],
    ]);
  });

  it("adds up to the bundle with 500 images", () => {
    const report = largeReport(500);
    const root = sizeTree(pageData(report, NO_WORDS));
    const all = leaves(root);

    expect(report.layers.length).toBeGreaterThan(5000);
    expect(root.bytes).toBe(report.totals.uniqueBytes);
    expect(all.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(report.totals.uniqueBytes);
    expect(all.filter(({ kind }) => kind === "layer")).toHaveLength(report.layers.length);
  });

  it("is empty when no size is known", () => {
    expect(treeOf({ name: "r.io/a:1", layers: {} })).toMatchObject({ bytes: 0, children: [] });
  });
});

describe("the treemap", () => {
  const AREA = { x: 0, y: 0, width: 1200, height: 500 };
  const root = sizeTree(pageData(largeReport(60), NO_WORDS));
  const cells = layOut(root, AREA, () => ({ edge: 0, top: 0 }));
  const flat = (some: readonly Cell[]): readonly Cell[] =>
    some.flatMap((cell) => [cell, ...flat(cell.children)]);
  const perByte = (AREA.width * AREA.height) / root.bytes;

  it("gives each node an area in proportion to its size", () => {
    const wrong = flat(cells).filter(
      ({ node, width, height }) => Math.abs(width * height - node.bytes * perByte) > 0.01,
    );
    expect(wrong).toEqual([]);
  });

  it("has no areas over each other, or outside of what they belong to", () => {
    const overlaps = (a: Cell, b: Cell): boolean =>
      Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 0.001 &&
      Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 0.001;
    const isInside = (a: Cell, b: typeof AREA): boolean =>
      a.x >= b.x - 0.001 &&
      a.y >= b.y - 0.001 &&
      a.x + a.width <= b.x + b.width + 0.001 &&
      a.y + a.height <= b.y + b.height + 0.001;
    const isFine = (some: readonly Cell[], area: typeof AREA): boolean =>
      some.every(
        (cell, index) =>
          isInside(cell, area) &&
          some.slice(index + 1).every((other) => !overlaps(cell, other)) &&
          isFine(cell.children, cell),
      );

    expect(isFine(cells, AREA)).toBe(true);
  });

  it("has areas that are closer to squares than to lines", () => {
    const ratios = cells.map(({ width, height }) => Math.max(width / height, height / width));
    expect(ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length * 0.9)]).toBeLessThan(3);
  });
});
