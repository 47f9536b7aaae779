// parseRendered: converts documents to objects, with a warning for each one that is skipped.
import { describe, expect, it } from "vitest";
import { parseRendered } from "../../../support/rendered.js";

const parse = (text: string) => parseRendered(text, { chart: "app-1.0.0", release: "app" });

describe("parseRendered", () => {
  it("returns each object with its template, names and hooks", () => {
    const { objects } = parse(`---
# Source: app/templates/job.yaml
apiVersion: batch/v1
kind: Job
metadata:
  name: setup
  namespace: apps
  annotations: { helm.sh/hook: "pre-install, post-install" }
---
# Source: app/charts/inner/templates/account.yaml
apiVersion: v1
kind: ServiceAccount
metadata: { name: inner }
`);

    expect(objects).toMatchObject([
      {
        chart: "app-1.0.0",
        release: "app",
        template: "app/templates/job.yaml",
        apiVersion: "batch/v1",
        kind: "Job",
        namespace: "apps",
        name: "setup",
        hooks: ["pre-install", "post-install"],
      },
      {
        template: "app/charts/inner/templates/account.yaml",
        kind: "ServiceAccount",
        name: "inner",
        hooks: [],
      },
    ]);
    expect(objects[1]).not.toHaveProperty("namespace");
  });

  it("assigns later documents of a file in crds/ to the template of the first", () => {
    const { objects } = parse(`---
# Source: app/crds/all.yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: one }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: two }
`);

    expect(objects.map(({ name, template }) => `${name} ${template}`)).toEqual([
      "one app/crds/all.yaml",
      "two app/crds/all.yaml",
    ]);
  });

  it("skips documents that contain only comments", () => {
    expect(parse("---\n# Source: app/templates/empty.yaml\n# nothing\n---\n")).toEqual({
      objects: [],
      warnings: [],
    });
  });

  it.each([
    ["a comment first and the rest indented", "  # set by hand\n  apiVersion: v1\n  kind: Pod\n"],
    ["a comment at the margin and the rest indented", "# set by hand\n  apiVersion: v1\n  kind: Pod\n"],
    ["nothing at the margin", "\n    apiVersion: v1\n    kind: Pod"],
    ["Windows line ends", "# set by hand\r\n  apiVersion: v1\r\n  kind: Pod\r\n"],
  ])("loses no object with %s", (_, text) => {
    expect(parse(`---\n# Source: app/templates/x.yaml\n${text}`)).toMatchObject({
      objects: [{ kind: "Pod", template: "app/templates/x.yaml" }],
      warnings: [],
    });
  });

  it("returns the items of lists separately", () => {
    const { objects } = parse(`---
# Source: app/templates/list.yaml
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Pod, metadata: { name: one } }
  - apiVersion: v1
    kind: ConfigMapList
    items: [{ metadata: { name: two } }]
`);

    expect(objects.map(({ kind, name }) => `${kind} ${name}`)).toEqual(["Pod one", "ConfigMap two"]);
  });

  it.each([
    ["an equals sign in a list", "data: { operators: [=, '!='] }", { operators: ["=", "!="] }],
    ["a key twice, the last one counts", "data: { a: one }\nextra: 1\nextra: 2", { a: "one" }],
    ["words that YAML 1.1 takes for booleans", "data: { a: yes, b: off }", { a: "yes", b: "off" }],
    ["merge keys", "base: &base { a: one }\ndata: { <<: *base, b: two }", { a: "one", b: "two" }],
    ["JSON", 'data: {"a":"b","c":{"d":[1,2]}}', { a: "b", c: { d: [1, 2] } }],
    [
      "a separator inside a block of text",
      "data:\n  a: |\n    one\n    ---\n    two\n",
      { a: "one\n---\ntwo\n" },
    ],
    ["Windows line ends", "data:\r\n  a: one\r\n", { a: "one" }],
    [
      "tabs around values and in empty lines",
      "data:\n  a:\tone\t\n\t\n  b: { c:\t1 }\t# x\n",
      { a: "one", b: { c: 1 } },
    ],
    ["templates inside text", "data: { a: '{{ .x }}', b: \"{{ y }}\" }", { a: "{{ .x }}", b: "{{ y }}" }],
    ["tags that it does not know", "data: { a: !custom one }", { a: "one" }],
    ["keys without end", `data: { a: one }\n"${"k".repeat(3000)}": x`, { a: "one" }],
  ])("reads %s", (_, text, data) => {
    const { objects, warnings } = parse(
      `---\n# Source: app/templates/x.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n${text}\n`,
    );

    expect(warnings).toEqual([]);
    expect(objects[0]?.body["data"]).toEqual(data);
  });

  it("reads a template that begins with a byte order mark", () => {
    const { objects } = parse("---\n# Source: app/templates/x.yaml\n\uFEFFapiVersion: v1\nkind: Pod\n");

    expect(objects).toMatchObject([{ apiVersion: "v1", kind: "Pod" }]);
  });

  it("warns about each list item that is not an object, and returns the others", () => {
    const { objects, warnings } = parse(
      "---\n# Source: app/templates/x.yaml\nkind: List\nitems: [null, { metadata: {} }, { kind: Pod, metadata: { name: good } }]\n",
    );

    expect(objects.map(({ name }) => name)).toEqual(["good"]);
    expect(warnings.map(({ code }) => code)).toEqual(["template-unreadable", "template-unreadable"]);
  });

  it.each([
    ["single quotes", "- '\n            chmod 777 /data;\n            '", " chmod 777 /data; "],
    ["double quotes", '- "\n            chmod \\"777\\" /data;\n            "', ' chmod "777" /data; '],
    ["a key", "- name: 'one\n            two'", { name: "one two" }],
    ["quotes inside", "- 'it''s\n          one'\n          - 'two'", "it's one"],
    ["an empty line", "- 'one\n\n            two'", "one\ntwo"],
  ])("reads a quoted value whose lines are not indented more: %s", (_, item, expected) => {
    const head = "kind: Pod\nmetadata: { name: a }\nspec:\n  containers:\n    - image: a:1\n";
    const block = "      script: |\n        echo 'hello\n        done'\n";
    const { objects, warnings } = parse(`${head}${block}      args:\n          ${item}\n`);

    expect(warnings).toEqual([]);
    expect(objects).toMatchObject([{ body: { spec: { containers: [{ image: "a:1" }] } } }]);
    const text = JSON.stringify(objects[0]?.body);
    expect(text).toContain(`"args":[${JSON.stringify(expected)}`);
    expect(text).toContain(JSON.stringify("echo 'hello\ndone'\n"));
  });

  it("warns about a quoted value that does not end", () => {
    expect(parse("kind: Pod\nmetadata: { name: a }\nspec: 'one\ntwo\n").warnings).toMatchObject([
      { code: "template-unreadable" },
    ]);
  });

  it("reads a JSON document", () => {
    const { objects } = parse(
      `---\n# Source: app/templates/x.yaml\n{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}}\n`,
    );

    expect(objects[0]).toMatchObject({ kind: "Pod", name: "x" });
  });

  it.each([
    ["broken YAML", "kind: Pod\n  image: [x"],
    ["an object without a kind", "apiVersion: v1\nmetadata: { name: x }"],
    ["a list", "- one\n- two"],
    ["an object that tabs indent", "\tkind: Pod\n\tmetadata: { name: bad }"],
    ["a comment and an object that tabs indent", "# bad\n\tkind: Pod\n\tmetadata:\n\t\tname: bad"],
    ["nothing, spelled out", "null"],
    ["an alias of nothing", "kind: Pod\nspec: *nothing"],
    ["nesting without end", `kind: Pod\nspec: ${"[".repeat(20_000)}${"]".repeat(20_000)}`],
  ])("warns about %s with its template, and continues", (_, text) => {
    const { objects, warnings } = parse(
      `---\n# Source: app/templates/bad.yaml\n${text}\n---\n# Source: app/templates/good.yaml\nkind: Pod\nmetadata: { name: good }\n`,
    );

    expect(warnings).toMatchObject([
      {
        code: "template-unreadable",
        chart: "app-1.0.0",
        template: "app/templates/bad.yaml",
        incomplete: true,
      },
    ]);
    expect(objects.map(({ name }) => name)).toEqual(["good"]);
  });

  it("reads only the identity of a CustomResourceDefinition", () => {
    const { objects } = parse(`---
# Source: app/crds/thing.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    controller-gen.kubebuilder.io/version: v0.14.0
  name: things.example.org
spec:
  group: example.org
  names:
    categories:
    - all
    kind: Thing
    plural: things
  versions:
  - name: v1alpha1
    schema: { openAPIV3Schema: { description: "docker.io/never/read:1.0" } }
  - additionalPrinterColumns:
    - jsonPath: .metadata.name
      name: Name
    name: v1
`);

    expect(objects[0]?.body).toEqual({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.org" },
      spec: {
        group: "example.org",
        names: { kind: "Thing" },
        versions: [{ name: "v1alpha1" }, { name: "v1" }],
      },
    });
  });

  it("skips the documents of another rendering, and marks the others as specified", () => {
    const one = "---\n# Source: app/templates/a.yaml\nkind: Pod\nmetadata: { name: one }\n";
    const other = "---\n# Source: app/templates/b.yaml\nkind: Pod\nmetadata: { name: other }\n";
    const from = { chart: "app-1.0.0", release: "app", except: one, condition: "sometimes" };

    expect(parseRendered(other + one, from).objects).toMatchObject([
      { name: "other", condition: "sometimes" },
    ]);
  });
});
