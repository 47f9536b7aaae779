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
  - reference: "{operator.prefix}/old:{operator.tag}"
    when: [{ group: example.org, kind: Worker, has: spec.level, in: "<2.0.0" }]
  - reference: '{spec.registry|"quay.io"}/org/view:{config.view.tag}'
    when: [{ group: example.org, kind: Worker }]
    with: [{ group: example.org, kind: View }]
    otherwise: optional
copies: [copies/demo]
unknown:
  - what: plugins
    when: [{ group: example.org, kind: Plugin }]
    unless: [spec.image]
  - what: names
    given: [flag.rename, config.rename]
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

  it("knows copies under another name", () => {
    expect(found(operator('image: "registry.example/copies/demo:v1.2.0"'))).toContain(
      "certain quay.io/org/side:v9",
    );
    expect(found(operator('image: "rancher/mirrored-org-demo-operator:v1.2.0"'))).toContain(
      "certain quay.io/org/side:v9",
    );
  });

  it("asks for a field in a range of versions", () => {
    const image = operator('image: "registry.example/a/org/demo-operator:v1.2.0"');

    expect(found(image + worker("{ level: 1.9.3 }"))).toContain("certain registry.example/a/org/old:v1.2.0");
    expect(found(image + worker("{ level: 2.0.0 }")).join()).not.toContain("/old:");
  });

  it("takes what ConfigMaps of the release say, and asks for a second resource where one is named", () => {
    const config =
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata: { a.yaml: 'view: { tag: v5 }' }\n";
    const text =
      operator('image: "org/demo-operator:v1.2.0"') + worker("{ registry: registry.example/ }") + config;
    const view = "---\napiVersion: example.org/v1\nkind: View\nmetadata: { name: v }\n";
    const viewOf = (rendered: string) =>
      findIn(rendered, [RULE]).images.find(({ normalized }) => normalized === "registry.example/org/view:v5");

    expect(viewOf(text)).toMatchObject({ required: false });
    expect(viewOf(text + view)).toMatchObject({ required: true, confidence: "certain" });
  });

  it.each([
    ["a custom resource that it serves", "", "kind: Plugin\nmetadata: { name: p }\nspec: {}", 1],
    [
      "but not one that settles it",
      "",
      'kind: Plugin\nmetadata: { name: p }\nspec: { image: "quay.io/a/b:1" }',
      0,
    ],
    ["a switch", ", args: [--rename, --other]", "kind: Other\nmetadata: { name: o }", 1],
    ["a flag with a value", ", args: [--rename=x]", "kind: Other\nmetadata: { name: o }", 1],
  ])("says what nobody can know: for %s", (_, more, resource, count) => {
    const text = operator(`image: "org/demo-operator:v1.2.0"${more}`);

    const { warnings } = findIn(`${text}---\napiVersion: example.org/v1\n${resource}\n`, [RULE]);

    expect(warnings.map(({ code }) => code)).toEqual(Array<string>(count).fill("operator-images-unknown"));
  });

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

describe("parseOperatorRule", () => {
  it("refuses a rule that a release has no value for", () => {
    expect(() =>
      parseOperatorRule(
        'id: x\nname: x\nsources: [a]\nrepository: a/b\nreleases: [{ tags: "1.0.0" }]\nimages: [{ reference: "a/b:{release.c}" }]\n',
        "x.yaml",
      ),
    ).toThrow(expect.objectContaining({ code: "SETTINGS_INVALID", subject: "x.yaml" }));
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

  it("names the operator's image, its object and the right behind it", () => {
    const rule = "{ apiGroups: [apps], resources: [services, deployments], verbs: [get, create] }";

    const [warning] = findIn(workload + rights(rule)).warnings;

    expect(warning).toMatchObject({
      chart: "app-1.0.0",
      template: "app/templates/x.yaml",
      images: ["quay.io/org/maker:v1"],
    });
    for (const part of ["quay.io/org/maker:v1", "Deployment maker", "Role maker", "create deployments"]) {
      expect(warning?.message).toContain(part);
    }
  });

  it.each(["cluster-admin", "admin", "edit"])("knows what Kubernetes' own role %s allows", (role) => {
    const binding = rights("").replace("{ kind: Role, name: maker }", `{ kind: ClusterRole, name: ${role} }`);

    expect(findIn(workload + binding).warnings).toMatchObject([{ code: "unknown-operator" }]);
  });

  it("takes Pods that name no account for those of the default one", () => {
    const rule = '{ apiGroups: [""], resources: [pods], verbs: [create] }';
    const text = workload.replace("serviceAccountName: maker, ", "") + rights(rule, "default");

    expect(findIn(text).warnings).toMatchObject([{ code: "unknown-operator" }]);
  });

  it("is quiet about rights of another account", () => {
    const rule = '{ apiGroups: [""], resources: [pods], verbs: [create] }';

    expect(findIn(workload + rights(rule, "other")).warnings).toEqual([]);
  });
});
