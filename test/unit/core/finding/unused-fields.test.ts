// Fields of resources and configuration whose images a known operator does not start.
import { describe, expect, it } from "vitest";
import { parseOperatorRule } from "../../../../src/core/finding/operator-rules.js";
import { findIn } from "./find.js";

const RULE = parseOperatorRule(
  `
id: demo
name: Demo operator
sources: [org/demo@v1.2.0 main.go:1]
repository: org/demo-operator
releases: [{ tags: ">=1.0.0 <2.0.0" }]
unused:
  - group: example.org
    kind: Policy
    fields: [spec.sandbox, spec.guest]
    unless: [spec.workloads.enabled]
    why: spec.workloads.enabled is not set
  - group: example.org
    kind: Policy
    fields: [spec.driver.image]
    tagged: true
    why: the kernel is appended to the tag
    tags: ">=1.1.0"
  - config: values.yaml
    fields: [proxy, hub.image]
    why: the chart starts it
  - config: values.yaml
    fields: [hub.tools]
    unless: [hub.block]
    why: hub.block is not set
`,
  "demo.yaml",
);

const operator = (tag: string): string =>
  JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "demo" },
    spec: { template: { spec: { containers: [{ name: "a", image: `org/demo-operator:${tag}` }] } } },
  });
const policy = (spec: object): string =>
  JSON.stringify({ apiVersion: "example.org/v1", kind: "Policy", metadata: { name: "p" }, spec });
const VALUES = {
  proxy: { front: { image: { name: "reg.example/front", tag: "1" } } },
  hub: {
    image: { name: "reg.example/hub", tag: "1" },
    tools: { image: { name: "reg.example/tools", tag: "1" } },
  },
  user: { image: { name: "reg.example/user", tag: "1" } },
};

/** Required images besides the operator, by the last component of their names. */
function requiredOf(tag: string, ...objects: readonly string[]): readonly string[] {
  return findIn([operator(tag), ...objects].join("\n---\n"), [RULE])
    .images.filter(({ required }) => required)
    .map(({ normalized }) => normalized.slice(normalized.lastIndexOf("/") + 1))
    .filter((name) => !name.startsWith("demo-operator"));
}

describe("a field of a custom resource", () => {
  const spec = {
    sandbox: { plugin: { repository: "reg.example", image: "plugin", version: "v1" } },
    guest: { enabled: true, image: "reg.example/guest:1" },
    main: { image: "reg.example/main:1" },
  };

  it("is not used where another field is off or absent", () => {
    expect(requiredOf("v1.1.0", policy(spec))).toEqual(["main:1"]);
    expect(requiredOf("v1.1.0", policy({ ...spec, workloads: { enabled: false } }))).toEqual(["main:1"]);
  });

  it("is used where that field is on", () => {
    expect(requiredOf("v1.1.0", policy({ ...spec, workloads: { enabled: true } }))).toEqual([
      "guest:1",
      "main:1",
      "plugin:v1",
    ]);
  });

  it("is used by releases that nobody read, and where no such operator is", () => {
    expect(requiredOf("v3.0.0", policy(spec))).toEqual(["guest:1", "main:1", "plugin:v1"]);
    expect(findIn(policy(spec), [RULE]).images.filter(({ required }) => required)).toHaveLength(3);
  });

  it("is used in another kind", () => {
    const other = policy(spec).replace('"Policy"', '"Other"');

    expect(requiredOf("v1.1.0", other)).toEqual(["guest:1", "main:1", "plugin:v1"]);
  });

  it("is used with a digest, where only tags change", () => {
    const digest = `sha256:${"a".repeat(64)}`;

    expect(requiredOf("v1.1.0", policy({ driver: { image: "reg.example/driver:1" } }))).toEqual([]);
    expect(requiredOf("v1.1.0", policy({ driver: { image: `reg.example/driver@${digest}` } }))).toHaveLength(
      1,
    );
  });

  it("is used by releases that the fact is not for", () => {
    expect(requiredOf("v1.0.5", policy({ driver: { image: "reg.example/driver:1" } }))).toEqual(["driver:1"]);
  });
});

describe("a field of configuration", () => {
  const secret = (values: object): string =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "hub" },
      data: { "values.yaml": Buffer.from(JSON.stringify(values)).toString("base64") },
    });
  const configMap = (values: object, key = "values.yaml"): string =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "hub" },
      data: { [key]: JSON.stringify(values) },
    });

  it.each([
    ["a ConfigMap", configMap],
    ["a Secret", secret],
  ])("of %s is not used unless the text says so", (_, make) => {
    expect(requiredOf("v1.0.0", make(VALUES))).toEqual(["user:1"]);
    expect(requiredOf("v1.0.0", make({ ...VALUES, hub: { ...VALUES.hub, block: true } }))).toEqual([
      "tools:1",
      "user:1",
    ]);
  });

  it("of another key is used", () => {
    expect(requiredOf("v1.0.0", configMap(VALUES, "other.yaml"))).toHaveLength(4);
  });

  it("is required where a Pod starts it", () => {
    const pod = JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "hub" },
      spec: { containers: [{ name: "a", image: "reg.example/hub:1" }] },
    });

    expect(requiredOf("v1.0.0", configMap(VALUES), pod)).toEqual(["hub:1", "user:1"]);
  });
});
