// Operators: what the knowledge base knows, when it applies, and the tripwire for those it does not know.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadOperators } from "../../../../src/adapters/operators.js";
import { parseOperatorRule } from "../../../../src/core/finding/operator-rules.js";
import { ROOT } from "../../../support/paths.js";
import { findIn, linesOf } from "./find.js";

const operators = await loadOperators([join(ROOT, "manifests/operators")]);
const fixtures = join(ROOT, "test/fixtures/rendered/operators");

const RULE = parseOperatorRule(
  `
id: demo
name: Demo operator
sources: [org/demo@v1.2.0 main.go:1]
repository: org/demo-operator
releases:
  - { tags: ">=1.2.0 <1.3.0", values: { side: v9 } }
  - { tags: ">=1.1.0 <1.2.0", values: { side: v8 } }
images:
  - reference: quay.io/org/side:{release.side}
    unless: [flag.side-image, env.SIDE_IMAGE]
  - reference: '{operator.registry}/org/worker:{spec.version|operator.tag}-{spec.flavour|"full"}'
    when: [{ group: example.org, kind: Worker, has: spec.enabled }]
    unless: [spec.image]
`,
  "demo.yaml",
);

const operator = (container: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: demo }
spec: { template: { spec: { containers: [{ name: a, ${container} }] } } }
`;
const worker = (spec: string): string => `
---
apiVersion: example.org/v1
kind: Worker
metadata: { name: w }
spec: ${spec}
`;

describe("the knowledge base", () => {
  it.each(operators.map(({ id }) => id))("knows %s", async (id) => {
    const findings = findIn(readFileSync(join(fixtures, id, "rendered.yaml"), "utf8"), operators);

    const outcome = { images: linesOf(findings), warnings: findings.warnings.map(({ code }) => code) };
    await expect(`${JSON.stringify(outcome, null, 2)}\n`).toMatchFileSnapshot(
      join(fixtures, id, "expected.json"),
    );
  });
});

describe("an operator's rule", () => {
  const found = (text: string): readonly string[] =>
    findIn(text, [RULE]).images.map(({ normalized, confidence }) => `${confidence} ${normalized}`);

  it("applies to the operator's image, and to a copy of it in a mirror", () => {
    expect(found(operator('image: "org/demo-operator:v1.2.3"'))).toContain("certain quay.io/org/side:v9");
    expect(found(operator('image: "mirror.example/prefix/org/demo-operator:v1.2.3"'))).toContain(
      "certain quay.io/org/side:v9",
    );
    expect(found(operator('image: "org/not-demo-operator:v1.2.3"'))).toHaveLength(1);
  });

  it("takes the values of the release that the tag is of", () => {
    expect(found(operator('image: "org/demo-operator:1.1.5"'))).toContain("certain quay.io/org/side:v8");
  });

  it.each(["v7.0.0", "latest", `@sha256:${"c".repeat(64)}`])(
    "says so for a version nobody checked: %s",
    (tag) => {
      const image = `org/demo-operator${tag.startsWith("@") ? "" : ":"}${tag}`;

      const findings = findIn(operator(`image: "${image}"`), [RULE]);

      expect(findings.images.find(({ normalized }) => normalized === "quay.io/org/side:v9")).toMatchObject({
        confidence: "low",
        required: true,
      });
      expect(findings.warnings).toMatchObject([{ code: "operator-tag-unverified", incomplete: true }]);
    },
  );

  it("gives way to a flag or variable that names another image", () => {
    const image = 'image: "org/demo-operator:v1.2.0"';

    expect(found(operator(`${image}, args: ["--side-image=quay.io/other/side:1"]`))).not.toContain(
      "certain quay.io/org/side:v9",
    );
    expect(
      found(operator(`${image}, env: [{ name: SIDE_IMAGE, value: "quay.io/other/side:1" }]`)),
    ).not.toContain("certain quay.io/org/side:v9");
  });

  it.each([
    ["{ enabled: true }", "certain docker.io/org/worker:v1.2.0-full"],
    ["{ enabled: true, version: v5, flavour: slim }", "certain docker.io/org/worker:v5-slim"],
  ])("fills in fields of the custom resource: %s", (spec, expected) => {
    expect(found(operator('image: "org/demo-operator:v1.2.0"') + worker(spec))).toContain(expected);
  });

  it.each(["{ enabled: false }", "{}", '{ enabled: true, image: "quay.io/own/worker:1" }'])(
    "asks for a custom resource that makes use of it: not %s",
    (spec) => {
      expect(found(operator('image: "org/demo-operator:v1.2.0"') + worker(spec)).join()).not.toContain(
        "org/worker:v1.2",
      );
    },
  );

  it("asks for the operator: a custom resource alone starts nothing", () => {
    expect(found(worker("{ enabled: true }").replace("---", ""))).toEqual([]);
  });
});

describe("parseOperatorRule", () => {
  it("names file, line and field of each fault", () => {
    expect(() =>
      parseOperatorRule(
        "id: Bad Id\nname: x\nsources: []\nrepository: a/b\nreleases: [{ tags: what }]\n",
        "x.yaml",
      ),
    ).toThrow(
      expect.objectContaining({
        errors: [
          expect.objectContaining({ code: "SETTINGS_INVALID", subject: "x.yaml:1:1" }),
          expect.objectContaining({ code: "SETTINGS_INVALID", subject: "x.yaml:3:1" }),
          expect.objectContaining({ code: "SETTINGS_INVALID", subject: "x.yaml:5:14" }),
        ],
      }),
    );
  });
});

describe("the tripwire", () => {
  const workload = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: maker }
spec: { template: { spec: { serviceAccountName: maker, containers: [{ image: "quay.io/org/maker:v1" }] } } }
`;
  const rights = (rule: string, account = "maker"): string => `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: maker }
rules: [${rule}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: maker, namespace: apps }
roleRef: { kind: Role, name: maker }
subjects: [{ kind: ServiceAccount, name: ${account} }]
`;

  it.each([
    '{ apiGroups: [""], resources: [pods], verbs: [get, create] }',
    '{ apiGroups: [apps], resources: [deployments, services], verbs: ["*"] }',
    '{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }',
    "{ apiGroups: [batch], resources: [cronjobs], verbs: [create] }",
  ])("warns of a workload that may create Pods: %s", (rule) => {
    expect(findIn(workload + rights(rule)).warnings).toMatchObject([
      { code: "unknown-operator", object: "Deployment maker", incomplete: true },
    ]);
  });

  it.each([
    '{ apiGroups: [""], resources: [pods], verbs: [get, list, watch, delete] }',
    '{ apiGroups: [""], resources: [configmaps], verbs: ["*"] }',
    '{ apiGroups: [metrics.k8s.io], resources: [pods], verbs: ["*"] }',
    '{ apiGroups: [""], resources: [pods/exec], verbs: [create] }',
  ])("is quiet about a workload that may not: %s", (rule) => {
    expect(findIn(workload + rights(rule)).warnings).toEqual([]);
  });

  it("is quiet about rights of another account", () => {
    const rule = '{ apiGroups: [""], resources: [pods], verbs: [create] }';

    expect(findIn(workload + rights(rule, "other")).warnings).toEqual([]);
  });
});
