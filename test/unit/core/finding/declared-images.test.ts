// declaredImages: annotations and image locks, in the formats of publishers.
import { describe, expect, it } from "vitest";
import { declaredImages, isDeclaration } from "../../../../src/core/finding/declared-images.js";

const inChart = (annotation: string, list: string) =>
  declaredImages("app-1.0.0", [
    {
      path: "app/Chart.yaml",
      text: `name: app\nannotations:\n  ${annotation}: |\n${list.replace(/^/gm, "    ")}\n`,
    },
  ]).map(({ reference, path }) => `${reference} ${path}`);

describe("declaredImages", () => {
  it.each(["helm.sh/images", "images", "artifacthub.io/images"])("reads the annotation %s", (name) => {
    const path = name === "images" ? "annotations.images" : `annotations["${name}"]`;

    expect(inChart(name, "- name: a\n  image: quay.io/a/b:1\n- image: redis:7")).toEqual([
      `quay.io/a/b:1 ${path}[0].image`,
      `redis:7 ${path}[1].image`,
    ]);
  });

  it("reads a list of references", () => {
    expect(inChart("images", "- quay.io/a/b:1\n- not an image")).toEqual([
      "quay.io/a/b:1 annotations.images[0]",
    ]);
  });

  it.each([
    ["broken YAML", "- image: [x"],
    ["an image without a tag", "- image: quay.io/a/b"],
    ["a template", '- image: "quay.io/a/b:{{ .Chart.AppVersion }}"'],
  ])("ignores %s", (_, list) => {
    expect(inChart("images", list)).toEqual([]);
  });

  it("ignores an invalid Chart.yaml", () => {
    expect(declaredImages("a-1", [{ path: "a/Chart.yaml", text: "annotations: {" }])).toEqual([]);
  });
});

it.each([
  ["app/Chart.yaml", true],
  ["app/charts/inner/Chart.yaml", true],
  ["app/Images.lock", true],
  ["app/images.lock", true],
  ["app/images-lock.yaml", true],
  ["app/.images.lock.yaml", true],
  ["app/Chart.lock", false],
  ["app/templates/images.yaml", false],
])("isDeclaration(%s) is %s", (path, expected) => {
  expect(isDeclaration(path)).toBe(expected);
});
