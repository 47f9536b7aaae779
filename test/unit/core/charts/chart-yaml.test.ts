// Chart.yaml: parsing, and adding dependencies.
import { describe, expect, it } from "vitest";
import {
  addDependencies,
  parseChartYaml,
  parseDependencies,
} from "../../../../src/core/charts/chart-yaml.js";

describe("parseChartYaml", () => {
  it("reads names, versions and annotations, and where dependencies are declared", () => {
    expect(
      parseChartYaml(
        'apiVersion: v2\nname: app\nversion: 1.0.0\nappVersion: 3.10\nkubeVersion: ">=1.25"\nannotations: { images: "a" }\n',
        "app",
      ),
    ).toEqual({
      dependenciesFile: "Chart.yaml",
      name: "app",
      version: "1.0.0",
      appVersion: "3.1",
      kubeVersion: ">=1.25",
      annotations: { images: "a" },
    });
    expect(parseChartYaml("apiVersion: v1\nname: old\nversion: 1.0.0\n", "old").dependenciesFile).toBe(
      "requirements.yaml",
    );
  });

  it.each(["", "name: app\n", "- a\n", "name: [\n"])("rejects %j with the name of the chart", (text) => {
    expect(() => parseChartYaml(text, "charts/app")).toThrow(
      expect.objectContaining({ code: "CHART_UNAVAILABLE", subject: "charts/app" }),
    );
  });
});

describe("addDependencies", () => {
  const loki = {
    name: "loki",
    version: "5.43.0",
    repository: "https://charts.example",
    condition: "loki.enabled",
  };

  it("preserves existing content, including comments", () => {
    const text = "# mine\nname: app # it\ndependencies:\n  # first\n  - { name: one, version: 1.0.0 }\n";

    const added = addDependencies(text, [loki], "test");

    expect(added).toContain("# mine\nname: app # it\n");
    expect(added).toContain("# first");
    expect(parseDependencies(added, "test")).toEqual([
      { name: "one", version: "1.0.0", repository: "" },
      loki,
    ]);
  });

  it("replaces the same name and alias only", () => {
    const text =
      "dependencies:\n  - { name: loki, version: 1.0.0 }\n  - { name: loki, version: 2.0.0, alias: other }\n";

    expect(
      parseDependencies(addDependencies(text, [loki], "test"), "test").map(({ version }) => version),
    ).toEqual(["5.43.0", "2.0.0"]);
  });

  it("creates the list when there is none", () => {
    expect(parseDependencies(addDependencies("name: app\n", [loki], "test"), "test")).toEqual([loki]);
    expect(parseDependencies(addDependencies("", [loki], "test"), "test")).toEqual([loki]);
  });

  it.each(["- a\n", "text\n", "dependencies: [\n", "maintainers: *a\n", "*a : 1\n"])(
    "rejects %j with the name of the chart",
    (text) => {
      expect(() => addDependencies(text, [loki], "charts/app")).toThrow(
        expect.objectContaining({ code: "CHART_UNAVAILABLE", subject: "charts/app" }),
      );
    },
  );
});
