// Operators: the knowledge base, when its rules apply, and warnings about unknown operators.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadOperators } from "../../../../src/adapters/files/read-operators.js";
import { parseOperatorRule } from "../../../../src/core/finding/operator-rules.js";
import { isInRange } from "../../../../src/core/finding/tag-range.js";
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
  - { tags: ">=1.2.0 <1.3.0", builds: [v1-0a1b2c3], values: { side: v9 } }
  - { tags: ">=1.1.0 <1.2.0", values: { side: v8 } }
  - { tags: ">=1.0.0 <1.1.0", values: { side: null } }
images:
  - reference: quay.io/org/side:{release.side}
    unless: [flag.side-image, env.SIDE_IMAGE]
  - reference: '{operator.registry}/org/worker:{spec.version|operator.tag}-{spec.flavour|"full"}'
    when: [{ group: example.org, kind: Worker, has: spec.enabled }]
    unless: [spec.image]
  - reference: "{operator.prefix}/old:{operator.tag}"
    when: [{ group: example.org, kind: Worker, has: spec.level, in: "<2.0.0" }]
  - reference: quay.io/org/reloader:{release.side}
    when: [{ group: example.org, kind: Worker }]
    given: [env.USE_RELOADER, spec.useReloader]
    tags: ">=1.2.0"
  - reference: '{spec.registry|"quay.io"}/org/view:{config.view.tag}'
    when: [{ group: example.org, kind: Worker }]
    with: [{ group: example.org, kind: View }]
    otherwise: optional
copies: [copies/demo, registry.demo.example/operator]
companions: [org/demo-helper]
harmless: { example.org: [Rules], others.example.org: [Scrape] }
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
const CREATE_PODS = '{ apiGroups: [""], resources: [pods], verbs: [create] }';

describe("the knowledge base", () => {
  const described = operators.filter(({ id }) => existsSync(join(fixtures, id)));

  it.each(described.map(({ id }) => id))("knows %s", async (id) => {
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

  it("applies to a copy of one name in the registry that it names, and in no other", () => {
    expect(found(operator('image: "registry.demo.example/operator:v1.2.3"'))).toContain(
      "certain quay.io/org/side:v9",
    );
    expect(found(operator('image: "registry.example/operator:v1.2.3"'))).toHaveLength(1);
  });

  it("of an unread release does not count as incomplete if the user sets all of its images", () => {
    const unread = 'image: "org/demo-operator:v7.0.0", args: ["--side-image=quay.io/other/side:1"]';
    const text = operator(unread).replace(
      "spec: { containers",
      "spec: { serviceAccountName: maker, containers",
    );

    expect(
      findIn(text + rights(CREATE_PODS) + worker("{ image: quay.io/own/worker:1 }"), [RULE]).warnings,
    ).toMatchObject([{ code: "operator-tag-unverified", incomplete: false }]);
  });

  it("summarizes many ranges of known releases in its warning", () => {
    const releases = ["1.0.0", "1.1.0", ">=1.2.0 <=1.2.3", ">=1.10.0 <=1.10.1"].map((tags) => ({
      tags,
      prefix: "",
      values: { side: "v1" },
    }));

    const { warnings } = findIn(operator('image: "org/demo-operator:v7.0.0"'), [{ ...RULE, releases }]);

    expect(warnings.map(({ message }) => message).join()).toContain("from 1.0.0 to 1.10.1");
  });

  it("uses the values of the release with this tag", () => {
    expect(found(operator('image: "org/demo-operator:1.1.5"'))).toContain("certain quay.io/org/side:v8");
  });

  it("is that of the release that a tag without a version is a build of", () => {
    expect(found(operator('image: "org/demo-operator:v1-0a1b2c3"'))).toContain("certain quay.io/org/side:v9");
    expect(found(operator('image: "org/demo-operator:v1-ffffff0"'))).toHaveLength(1);
  });

  it.each([
    ["USE_RELOADER, value: 'true'", "{}", true],
    ["USE_RELOADER, value: 'false'", "{}", false],
    ["OTHER, value: 'true'", "{ useReloader: true }", true],
    ["OTHER, value: 'true'", "{ useReloader: false }", false],
  ])("starts an image for %s and %s: %s", (variable, spec, isStarted) => {
    const images = found(
      operator(`image: "org/demo-operator:v1.2.0", env: [{ name: ${variable} }]`) + worker(spec),
    );

    expect(images.includes("certain quay.io/org/reloader:v9")).toBe(isStarted);
  });

  it("warns when the version of an image is unknown, unless it is stated", () => {
    const old = 'image: "org/demo-operator:1.0.3"';

    const { images, warnings } = findIn(operator(old), [RULE]);

    expect(images.map(({ normalized }) => normalized).join()).not.toContain("org/side");
    expect(warnings).toMatchObject([{ code: "operator-version-unknown", incomplete: true }]);
    expect(warnings[0]?.message).toContain("quay.io/org/side");
    expect(findIn(operator(`${old}, args: ["--side-image=quay.io/other/side:1"]`), [RULE]).warnings).toEqual(
      [],
    );
  });

  it.each(["v7.0.0", "latest", `@sha256:${"c".repeat(64)}`])("warns about an unknown version: %s", (tag) => {
    const image = `org/demo-operator${tag.startsWith("@") ? "" : ":"}${tag}`;

    const findings = findIn(operator(`image: "${image}"`), [RULE]);

    expect(findings.images.map(({ normalized }) => normalized).join()).not.toContain("org/side");
    expect(findings.unresolved).toMatchObject([
      { repository: "quay.io/org/side", operatorImage: image, required: true },
    ]);
    expect(findings.warnings).toMatchObject([{ code: "operator-tag-unverified", incomplete: true }]);
    expect(findings.warnings[0]?.message).toContain("quay.io/org/side");
  });

  it("of an unread release takes versions from the user only, and expects the rule of other releases", () => {
    const unread = operator('image: "org/demo-operator:v7.0.0"');

    expect(findIn(unread + worker("{ enabled: true }"), [RULE]).unresolved).toContainEqual(
      expect.objectContaining({
        repository: "docker.io/org/worker",
        expectedTag: "v7.0.0-full",
        required: true,
      }),
    );
    expect(
      findIn(unread + worker("{ enabled: true, version: v3 }"), [RULE]).images.find(({ normalized }) =>
        normalized.includes("worker"),
      ),
    ).toMatchObject({ normalized: "docker.io/org/worker:v3-full", required: true, confidence: "medium" });
  });

  it("is overridden by a flag or variable with another image", () => {
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
  ])("inserts fields of the custom resource: %s", (spec, expected) => {
    expect(found(operator('image: "org/demo-operator:v1.2.0"') + worker(spec))).toContain(expected);
  });

  it.each(["{ enabled: false }", "{}", '{ enabled: true, image: "quay.io/own/worker:1" }'])(
    "requires a custom resource that uses it: not %s",
    (spec) => {
      expect(found(operator('image: "org/demo-operator:v1.2.0"') + worker(spec)).join()).not.toContain(
        "org/worker:v1.2",
      );
    },
  );

  it("applies to copies under another name", () => {
    expect(found(operator('image: "registry.example/copies/demo:v1.2.0"'))).toContain(
      "certain quay.io/org/side:v9",
    );
    expect(found(operator('image: "rancher/mirrored-org-demo-operator:v1.2.0"'))).toContain(
      "certain quay.io/org/side:v9",
    );
  });

  it("requires a field in a range of versions", () => {
    const image = operator('image: "registry.example/a/org/demo-operator:v1.2.0"');

    expect(found(image + worker("{ level: 1.9.3 }"))).toContain("certain registry.example/a/org/old:v1.2.0");
    expect(found(image + worker("{ level: 2.0.0 }")).join()).not.toContain("/old:");
  });

  it("uses ConfigMaps of the release, and requires a second resource if specified", () => {
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
    ["a switch", ", args: [--rename, --other]", "kind: View\nmetadata: { name: o }", 1],
    ["a flag with a value", ", args: [--rename=x]", "kind: View\nmetadata: { name: o }", 1],
  ])("warns about unknown images: for %s", (_, more, resource, count) => {
    const text = operator(`image: "org/demo-operator:v1.2.0"${more}`);

    const { warnings } = findIn(`${text}---\napiVersion: example.org/v1\n${resource}\n`, [RULE]);

    expect(warnings.map(({ code }) => code)).toEqual(Array<string>(count).fill("operator-images-unknown"));
  });

  it.each([
    ["example.org/v1", "Mystery", ["operator-kind-unknown"]],
    ["others.example.org/v1", "Mystery", ["operator-kind-unknown"]],
    ["example.org/v1", "Rules", []],
    ["others.example.org/v2", "Scrape", []],
    ["unrelated.example.org/v1", "Mystery", []],
    ["example.org/v1", "View", []],
  ])("warns about an unknown kind of the operator: %s %s", (apiVersion, kind, codes) => {
    const resource = `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x }\n`;
    const text = operator('image: "org/demo-operator:v1.2.0"') + resource + resource.replace("x }", "y }");

    expect(findIn(text, [RULE]).warnings.map(({ code }) => code)).toEqual(codes);
    expect(findIn(resource, [RULE]).warnings).toEqual([]);
  });

  it("requires the operator, because a custom resource alone starts nothing", () => {
    expect(found(worker("{ enabled: true }").replace("---", ""))).toEqual([]);
  });
});

describe("parseOperatorRule", () => {
  it("reports file, line and field of each error", () => {
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
  it("rejects a rule without a value for a release", () => {
    expect(() =>
      parseOperatorRule(
        'id: x\nname: x\nsources: [a]\nrepository: a/b\nreleases: [{ tags: "1.0.0" }]\nimages: [{ reference: "a/b:{release.c}" }]\n',
        "x.yaml",
      ),
    ).toThrow(expect.objectContaining({ code: "SETTINGS_INVALID", subject: "x.yaml" }));
  });
});

describe("unknown operators", () => {
  it.each([
    '{ apiGroups: [""], resources: [pods], verbs: [get, create] }',
    '{ apiGroups: [apps], resources: [deployments, services], verbs: ["*"] }',
    '{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }',
    "{ apiGroups: [batch], resources: [cronjobs], verbs: [create] }",
  ])("cause a warning for a workload that may create Pods: %s", (rule) => {
    expect(findIn(workload + rights(rule)).warnings).toMatchObject([
      { code: "unknown-operator", object: "Deployment maker", incomplete: true },
    ]);
  });

  it.each([
    '{ apiGroups: [""], resources: [pods], verbs: [get, list, watch, delete] }',
    '{ apiGroups: [""], resources: [configmaps], verbs: ["*"] }',
    '{ apiGroups: [metrics.k8s.io], resources: [pods], verbs: ["*"] }',
    '{ apiGroups: [""], resources: [pods/exec], verbs: [create] }',
  ])("do not include a workload that may not: %s", (rule) => {
    expect(findIn(workload + rights(rule)).warnings).toEqual([]);
  });

  it("are reported with image, object and the right", () => {
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

  it.each(["cluster-admin", "admin", "edit"])("include workloads with the built-in role %s", (role) => {
    const binding = rights("").replace("{ kind: Role, name: maker }", `{ kind: ClusterRole, name: ${role} }`);

    expect(findIn(workload + binding).warnings).toMatchObject([{ code: "unknown-operator" }]);
  });

  it("include Pods without a service account, which use the default one", () => {
    const rule = '{ apiGroups: [""], resources: [pods], verbs: [create] }';
    const text = workload.replace("serviceAccountName: maker, ", "") + rights(rule, "default");

    expect(findIn(text).warnings).toMatchObject([{ code: "unknown-operator" }]);
  });

  it("do not depend on the rights of another account", () => {
    const rule = '{ apiGroups: [""], resources: [pods], verbs: [create] }';

    expect(findIn(workload + rights(rule, "other")).warnings).toEqual([]);
  });

  it.each([
    ["all accounts", "system:serviceaccounts", 1],
    ["everybody", "system:authenticated", 1],
    ["the accounts of its namespace", "system:serviceaccounts:apps", 1],
    ["the accounts of another namespace", "system:serviceaccounts:other", 0],
    ["people", "system:masters", 0],
  ])("include bindings to groups: %s", (_, group, count) => {
    const binding = rights(CREATE_PODS).replace(
      "kind: ServiceAccount, name: maker",
      `kind: Group, name: "${group}"`,
    );
    const placed = workload.replace("name: maker }", "name: maker, namespace: apps }");

    expect(findIn(placed + binding).warnings).toHaveLength(count);
  });

  it("match an object without a namespace to the namespace of any group", () => {
    const group = 'kind: Group, name: "system:serviceaccounts:apps"';

    expect(
      findIn(workload + rights(CREATE_PODS).replace("kind: ServiceAccount, name: maker", group)).warnings,
    ).toMatchObject([{ code: "unknown-operator" }]);
  });

  it("include a binding to the account's user name", () => {
    const user = 'kind: User, name: "system:serviceaccount:apps:maker"';

    expect(
      findIn(workload + rights(CREATE_PODS).replace("kind: ServiceAccount, name: maker", user)).warnings,
    ).toMatchObject([{ code: "unknown-operator" }]);
  });

  describe("with aggregated roles", () => {
    const bound = (role: string): string =>
      rights("").replace("{ kind: Role, name: maker }", `{ kind: ClusterRole, name: ${role} }`);
    const part = (labels: string): string => `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: part, labels: ${labels} }
rules: [${CREATE_PODS}]
`;
    const whole = (selector: string): string => `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: whole }
aggregationRule: { clusterRoleSelectors: [{ matchLabels: { no: "match" } }, ${selector}] }
`;

    it.each([
      ['{ matchLabels: { a: "1" } }', 1],
      ['{ matchLabels: { a: "1", b: "2" } }', 0],
      ["{ matchExpressions: [{ key: a, operator: Exists }] }", 1],
      ['{ matchExpressions: [{ key: a, operator: In, values: ["1", "2"] }] }', 1],
      ['{ matchExpressions: [{ key: a, operator: NotIn, values: ["1"] }] }', 0],
      ["{ matchExpressions: [{ key: a, operator: DoesNotExist }] }", 0],
    ])("combine the roles that %s selects", (selector, count) => {
      const text = workload + bound("whole") + part('{ a: "1" }') + whole(selector);

      expect(findIn(text).warnings).toHaveLength(count);
    });

    it("include the roles that are aggregated to the built-in role view", () => {
      const label = '{ rbac.authorization.k8s.io/aggregate-to-view: "true" }';

      expect(findIn(workload + bound("view")).warnings).toEqual([]);
      expect(findIn(workload + bound("view") + part(label)).warnings).toMatchObject([
        { code: "unknown-operator" },
      ]);
    });
  });

  describe("beside a known operator", () => {
    const beside = (containers: string, lists = ""): string =>
      workload.replace(
        'containers: [{ image: "quay.io/org/maker:v1" }]',
        `containers: [{ image: "org/demo-operator:v1.2.0" }${containers}]${lists}`,
      ) +
      rights(CREATE_PODS) +
      worker("{ enabled: false }");

    it("are checked for each container of the workload", () => {
      const [warning, ...more] = findIn(beside(', { image: "quay.io/org/other:v1" }'), [RULE]).warnings;

      expect(warning).toMatchObject({ code: "unknown-operator", images: ["quay.io/org/other:v1"] });
      expect(more).toEqual([]);
    });

    it("include its init containers", () => {
      const text = beside("", ', initContainers: [{ image: "quay.io/org/other:v1" }]');

      expect(findIn(text, [RULE]).warnings).toMatchObject([{ images: ["quay.io/org/other:v1"] }]);
    });

    it("do not include the operator itself and the companions in its rule", () => {
      expect(findIn(beside(""), [RULE]).warnings).toEqual([]);
      expect(findIn(beside(', { image: "mirror.example/org/demo-helper:v3" }'), [RULE]).warnings).toEqual([]);
    });

    it("do not include common proxies", () => {
      const text = beside(', { image: "quay.io/brancz/kube-rbac-proxy:v0.18.0" }');

      expect(findIn(text, [...operators, RULE]).warnings).toEqual([]);
    });
  });
});

describe("a known operator that starts no other images", () => {
  const IDLE = parseOperatorRule(
    'id: idle\nname: Idle\nsources: [a]\nrepository: org/maker\nreleases: [{ tags: ">=1.0.0 <1.1.0" }]\n',
    "idle.yaml",
  );
  const tagged = (tag: string): string => workload.replace("maker:v1", `maker:${tag}`);

  it("causes a warning with an unknown tag, when its rights allow it to create Pods", () => {
    expect(findIn(tagged("v99.0.0") + rights(CREATE_PODS), [IDLE]).warnings).toMatchObject([
      { code: "operator-tag-unverified", incomplete: true, object: "Deployment maker" },
    ]);
    expect(findIn(tagged("v99.0.0"), [IDLE]).warnings).toEqual([]);
    expect(findIn(tagged("v1.0.9") + rights(CREATE_PODS), [IDLE]).warnings).toEqual([]);
  });
});

describe("the warning about an unknown operator", () => {
  const app = (name: string, containers: string, account = "maker", kind = "Deployment"): string => `
---
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name} }
spec: { template: { spec: { serviceAccountName: ${account}, ${containers} } } }
`;
  const main = 'containers: [{ image: "quay.io/org/maker:v1" }]';
  const init = 'initContainers: [{ image: "quay.io/org/clone:v1" }]';

  it("contains the main container, and the init container only when there is no other", () => {
    const [warning, ...more] = findIn(app("a", `${init}, ${main}`) + rights(CREATE_PODS)).warnings;

    expect(more).toEqual([]);
    expect(warning).toMatchObject({ images: ["quay.io/org/maker:v1"] });
    expect(warning?.message).not.toContain("clone");
  });

  it.each([
    ["Deployments", app("b", `${init}, ${main}`)],
    ["other kinds", app("b", main, "maker", "StatefulSet")],
    ["three", app("b", main) + app("c", main)],
    [
      "other accounts with the same role",
      app("b", main, "second") +
        rights(CREATE_PODS, "second").replace(
          "RoleBinding\nmetadata: { name: maker",
          "RoleBinding\nmetadata: { name: second",
        ),
    ],
  ])("is one for all workloads with the same image and right: %s", (_, others) => {
    const { warnings } = findIn(app("a", `${init}, ${main}`) + others + rights(CREATE_PODS));

    expect(warnings).toMatchObject([{ code: "unknown-operator", object: "Deployment a" }]);
    expect(warnings[0]?.message).toMatch(/(?:Deployment|StatefulSet) b/);
  });

  it("is one for each image", () => {
    const other = app("b", main.replace("maker:v1", "maker:v2"));

    expect(findIn(app("a", main) + other + rights(CREATE_PODS)).warnings).toHaveLength(2);
  });

  it("suggests the commands that provide the information", () => {
    const [warning] = findIn(app("a", main) + rights(CREATE_PODS)).warnings;

    expect(warning?.hint).toContain("--inspect-operators");
    expect(warning?.hint).toContain("rehearse");
    expect(warning?.hint).toContain("images.include");
  });
});

describe("a known operator that waits for custom resources", () => {
  const waiting = (more = "") =>
    findIn(workload.replace("quay.io/org/maker:v1", "org/demo-operator:v1.2.0") + more, [RULE]);

  it("causes a warning when it may create Pods, and its images are optional", () => {
    const { images, warnings } = waiting(rights(CREATE_PODS));

    expect(warnings).toMatchObject([
      { code: "operator-images-later", incomplete: true, images: ["org/demo-operator:v1.2.0"] },
    ]);
    for (const kind of ["Worker", "Plugin"]) expect(warnings[0]?.message).toContain(kind);
    expect(warnings[0]?.hint).toContain("rehearse");
    expect(images.find(({ normalized }) => normalized === "docker.io/org/worker:v1.2.0-full")).toMatchObject({
      required: false,
      confidence: "certain",
    });
  });

  it("causes none without the right, or with a custom resource of its kinds", () => {
    expect(waiting().warnings).toEqual([]);
    expect(waiting(rights(CREATE_PODS) + worker("{ enabled: false }")).warnings).toEqual([]);
  });

  it("causes none when its settings name every image that depends on custom resources", () => {
    const rule = parseOperatorRule(
      `
id: runner
name: Runner operator
sources: [org/runner@v1.2.0 main.go:1]
repository: org/runner
releases: [{ tags: ">=1.2.0 <1.3.0" }]
images:
  - { reference: "quay.io/org/run:v1", when: [{ group: example.org, kind: Run }], unless: [flag.run-image] }
`,
      "runner.yaml",
    );
    const text = (args: string) =>
      workload.replace('"quay.io/org/maker:v1"', `"org/runner:v1.2.0", args: [${args}]`) +
      rights(CREATE_PODS);

    expect(findIn(text(""), [rule]).warnings).toMatchObject([{ code: "operator-images-later" }]);
    expect(findIn(text("--run-image=quay.io/other/run:2"), [rule]).warnings).toEqual([]);
  });

  it("still causes one when all resources start nothing, unless one contains an image", () => {
    const rules = (spec: string) =>
      `---\napiVersion: example.org/v1\nkind: Rules\nmetadata: { name: r }\nspec: ${spec}\n`;

    expect(waiting(rights(CREATE_PODS) + rules("{}")).warnings).toHaveLength(1);
    expect(waiting(rights(CREATE_PODS) + rules("{ image: quay.io/a/b:1 }")).warnings).toEqual([]);
  });

  const later = operators.filter(({ images, unknown }) =>
    [...images, ...unknown].some(
      ({ when, tags }) => when !== undefined && (tags === undefined || isInRange("0.0.1", tags)),
    ),
  );
  it.each(later.map(({ id, repository }) => [id, repository]))(
    "is never quieter than an unknown one: %s",
    (_, repository) => {
      const text =
        workload.replace("quay.io/org/maker:v1", `reg.example/${repository}:v0.0.1`) + rights(CREATE_PODS);

      const { warnings } = findIn(text, operators);

      expect(warnings.map(({ code }) => code)).toContain("operator-images-later");
      expect(warnings.every(({ incomplete, hint }) => incomplete && hint !== undefined)).toBe(true);
    },
  );
});

describe("a webhook that changes Pods", () => {
  const service = `
---
apiVersion: v1
kind: Service
metadata: { name: maker }
spec: { selector: { app: maker } }
`;
  const served = workload.replace(
    "template: { spec:",
    "template: { metadata: { labels: { app: maker, more: x } }, spec:",
  );
  const webhook = (rule: string, client = "service: { name: maker, namespace: x }"): string => `
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: maker }
webhooks: [{ name: a.example.org, clientConfig: { ${client} }, rules: [${rule}] }]
`;
  const ON_PODS = '{ apiGroups: [""], resources: [pods], operations: [CREATE] }';

  it.each([
    ON_PODS,
    '{ apiGroups: ["*"], resources: ["*"], operations: ["*"] }',
    '{ apiGroups: ["*"], resources: ["*/*"], operations: [CREATE, UPDATE] }',
    "{ apiGroups: [apps], resources: [deployments], operations: [CREATE] }",
    '{ apiGroups: [""], resources: [pods/ephemeralcontainers], operations: [UPDATE] }',
  ])("causes a warning with its program: %s", (rule) => {
    expect(findIn(served + service + webhook(rule)).warnings).toMatchObject([
      { code: "pod-webhook", incomplete: true, images: ["quay.io/org/maker:v1"] },
    ]);
  });

  it.each([
    '{ apiGroups: [""], resources: [pods], operations: [DELETE] }',
    '{ apiGroups: [""], resources: [configmaps], operations: [CREATE] }',
    '{ apiGroups: [monitoring.example], resources: ["*"], operations: [CREATE] }',
    '{ apiGroups: [""], resources: [pods/binding], operations: [CREATE] }',
  ])("does not include one that changes other objects: %s", (rule) => {
    expect(findIn(served + service + webhook(rule)).warnings).toEqual([]);
  });

  it("causes a warning when no rendered object serves it", () => {
    expect(findIn(webhook(ON_PODS, 'url: "https://a.example/x"').replace("---", "")).warnings).toMatchObject([
      { code: "pod-webhook", images: [], object: "MutatingWebhookConfiguration maker" },
    ]);
  });

  it("causes one warning for all webhooks of a program, and none for a known operator", () => {
    const twice =
      webhook(ON_PODS) + webhook(ON_PODS).replaceAll("name: maker }\nwebhooks", "name: other }\nwebhooks");
    const known = served.replace("quay.io/org/maker:v1", "org/demo-operator:v1.2.0");

    expect(findIn(served + service + twice).warnings).toHaveLength(1);
    expect(findIn(known + service + twice, [RULE]).warnings).toEqual([]);
  });
});
