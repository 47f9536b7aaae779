// Custom resources whose operator is in no chart of the bundle.
import { describe, expect, it } from "vitest";
import { parseOperatorRule } from "../../../../src/core/finding/operator-rules.js";
import { findIn, linesOf } from "./find.js";

const rule = (text: string): ReturnType<typeof parseOperatorRule> => parseOperatorRule(text, "rule.yaml");

const STORE = rule(`
id: store
name: Store operator
sources: [org/store@v1.0.0 main.go:1]
repository: org/store-operator
releases: [{ tags: ">=1.0.0 <2.0.0", values: { proxy: v3 } }]
images:
  - reference: '{flag.registry|"quay.io"}/org/store:{spec.version}'
    when: [{ group: store.example.org, kind: Store }]
    unless: [spec.image]
  - reference: quay.io/org/proxy:{release.proxy}
    when: [{ group: store.example.org, kind: Proxy }]
    unless: [spec.image]
  - reference: "{operator.prefix}/gate:1"
    when: [{ group: gateway.networking.k8s.io, kind: Gateway }]
unknown:
  - what: plugins
    when: [{ group: store.example.org, kind: Plugin }]
    unless: [spec.image]
harmless: { store.example.org: [User] }
`);
const OTHER = rule(`
id: other
name: Other operator
sources: [org/other@v1.0.0 main.go:1]
repository: org/other-operator
releases: [{ tags: ">=1.0.0 <2.0.0" }]
images:
  - { reference: "quay.io/other/store:{spec.version}", when: [{ group: store.example.org, kind: Store }] }
`);

const resource = (kind: string, spec: string, group = "store.example.org"): string =>
  `---\napiVersion: ${group}/v1\nkind: ${kind}\nmetadata: { name: main }\nspec: ${spec}\n`;
const operator = `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: o }
spec: { template: { spec: { containers: [{ image: "org/store-operator:1.2.0" }] } } }
`;

describe("a custom resource without its operator", () => {
  it("requires the image that it determines", () => {
    const findings = findIn(resource("Store", "{ version: 8.1.0 }"), [STORE]);

    expect(linesOf(findings)).toEqual(["required | medium | quay.io/org/store:8.1.0 | operator:store spec"]);
    expect(findings.warnings).toEqual([]);
  });

  it.each(["Proxy", "Plugin"])("warns of images that depend on the operator: %s", (kind) => {
    const { images, warnings } = findIn(resource(kind, "{}"), [STORE]);

    expect(images).toEqual([]);
    expect(warnings).toMatchObject([{ code: "operator-absent", object: `${kind} main`, incomplete: true }]);
  });

  it.each([
    ["it names the image", resource("Proxy", "{ image: quay.io/org/own:1 }")],
    ["it starts nothing", resource("User", "{}")],
    ["Kubernetes defines the kind", resource("Gateway", "{}", "gateway.networking.k8s.io")],
  ])("gives no warning if %s", (_, text) => {
    expect(findIn(text, [STORE]).warnings).toEqual([]);
  });

  it("warns once if several operators serve the kind, and guesses none", () => {
    const { images, warnings } = findIn(resource("Store", "{ version: 8.1.0 }"), [STORE, OTHER]);

    expect(images).toEqual([]);
    expect(warnings).toMatchObject([{ code: "operator-absent" }]);
  });

  it("is judged by the operator if it is there", () => {
    const { images, warnings } = findIn(`${operator}${resource("Proxy", "{}")}`, [STORE, OTHER]);

    expect(images.map(({ normalized }) => normalized)).toContain("quay.io/org/proxy:v3");
    expect(warnings).toEqual([]);
  });
});
