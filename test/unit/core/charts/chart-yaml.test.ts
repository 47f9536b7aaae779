// Chart.yaml: reading it, adding dependencies, and which versions meet which constraint.
import { describe, expect, it } from "vitest";
import {
  addDependencies,
  meets,
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

  it.each(["", "name: app\n", "- a\n", "name: [\n"])("refuses %j and names whose it is", (text) => {
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

  it("keeps what is there, comments too", () => {
    const text = "# mine\nname: app # it\ndependencies:\n  # first\n  - { name: one, version: 1.0.0 }\n";

    const added = addDependencies(text, [loki]);

    expect(added).toContain("# mine\nname: app # it\n");
    expect(added).toContain("# first");
    expect(parseDependencies(added)).toEqual([{ name: "one", version: "1.0.0", repository: "" }, loki]);
  });

  it("replaces the same name and alias only", () => {
    const text =
      "dependencies:\n  - { name: loki, version: 1.0.0 }\n  - { name: loki, version: 2.0.0, alias: other }\n";

    expect(parseDependencies(addDependencies(text, [loki])).map(({ version }) => version)).toEqual([
      "5.43.0",
      "2.0.0",
    ]);
  });

  it("begins a list where there is none", () => {
    expect(parseDependencies(addDependencies("name: app\n", [loki]))).toEqual([loki]);
    expect(parseDependencies(addDependencies("", [loki]))).toEqual([loki]);
  });
});

describe("meets", () => {
  it.each([
    ["5.29.0", "5.29.*", true],
    ["5.30.0", "5.29.*", false],
    ["1.4.0", ">=1.2.0, <2.0.0", true],
    ["v1.4.0", "^1.4", true],
    ["1.0.0", "1.0.0", true],
    ["0.1.0", "", true],
    ["2.0.0-rc.1", "^2.0.0", false],
    ["1.0.0", "not a range", false],
  ])("version %s for %s: %s", (version, constraint, expected) => {
    expect(meets({ name: "x", version }, { name: "x", version: constraint, repository: "" })).toBe(expected);
  });

  it("is about charts of the same name", () => {
    expect(meets({ name: "x", version: "1.0.0" }, { name: "y", version: "1.0.0", repository: "" })).toBe(
      false,
    );
  });
});
