// Files of other kinds in place of a spec: recognized, and never a spec with a mistake.
import { describe, expect, it } from "vitest";
import { inspectBundleSpec } from "../../../../src/core/spec/parse-bundle-spec.js";

const errorsOf = (text: string) => inspectBundleSpec(text, "b.yaml", "/srv").errors;

describe("a file of another kind is one error with what it is and what to do", () => {
  it.each([
    ["an empty file", "\n# nothing\n", /empty/, /init/],
    ["an images.txt", "# list\nquay.io/a/b:1\n\nbusybox:1\n", /list of images/, /images/],
    ["a YAML list of images", "- quay.io/a/b:1\n- docker.io/c\n", /list of images/, /images/],
    ["a zarf.yaml", "kind: ZarfPackageConfig\nmetadata: { name: a }\ncomponents: []\n", /Zarf/, /charts/],
    [
      "a Hauler manifest",
      "apiVersion: content.hauler.cattle.io/v1\nkind: Images\nspec: {}\n",
      /Hauler/,
      /charts/,
    ],
    [
      "a Kubernetes object",
      "apiVersion: apps/v1\nkind: Deployment\n---\nkind: Service\n",
      /Deployment/,
      /chart/,
    ],
    ["a Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n", /Chart\.yaml/, /init/],
    ["a values.yaml", "replicas: 2\nimage:\n  tag: 1\n", /replicas, image/, /valuesFiles/],
    ["a Compose file", "services: { web: { image: nginx } }\n", /Compose/, /images\.include/],
  ])("%s", (_, text, what, hint) => {
    const [error, ...more] = errorsOf(text);

    expect(more).toEqual([]);
    expect(error).toMatchObject({
      code: "SPEC_INVALID",
      subject: /^#/.test(text) ? "b.yaml:2:1" : "b.yaml:1:1",
    });
    expect(error?.message).toMatch(what);
    expect(error?.hint).toMatch(hint);
  });
});

describe("a spec with a mistake is still a spec", () => {
  it.each([
    ["without charts", "name: web\nversion: 1.0.0\n", "charts: is missing"],
    ["with a field of Kubernetes", "kind: Bundle\napiVersion: v1\ncharts: []\n", "name: is missing"],
    ["with a wrong name for charts", "name: web\nversion: 1.0.0\nchart: []\n", "chart: is not a known field"],
    ["that is one word", "web\n", "must be a map, but is text"],
  ])("%s", (_, text, problem) => {
    expect(errorsOf(text).map(({ message }) => message)).toContainEqual(expect.stringContaining(problem));
  });
});
