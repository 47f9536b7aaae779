// Pull policies that need a registry: found as in Kubernetes, and patched without other changes.
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { formatPath } from "../../../../src/core/json.js";
import { findNetworkPulls, patchPullPolicies } from "../../../../src/core/kubernetes/pull-policy.js";

const found = (text: string): readonly string[] =>
  findNetworkPulls(parse(text) as Record<string, unknown>).map(({ path }) => formatPath(path));
const pod = (container: string): string => `kind: Pod\nspec:\n  containers:\n    - ${container}\n`;
const PLACE = "spec.containers[0].imagePullPolicy";
const DIGEST = `sha256:${"0".repeat(64)}`;

describe("finding", () => {
  it.each([
    ["Always", "{image: a/b:1, imagePullPolicy: Always}"],
    ["Always for a digest", `{image: "a/b@${DIGEST}", imagePullPolicy: Always}`],
    ["none, and the tag is latest", "{image: a/b:latest}"],
    ["none, and there is no tag", "{image: a/b}"],
    ["none, behind a port and without a tag", "{image: lab.example:5000/b}"],
    ["an empty one, and the tag is latest", '{image: a/b:latest, imagePullPolicy: ""}'],
    ["none, and the tag is latest beside a digest", `{image: "a/b:latest@${DIGEST}"}`],
  ])("reports the location: %s", (_, container) => {
    expect(found(pod(container))).toEqual([PLACE]);
  });

  it.each([
    ["none, and there is a tag", "{image: a/b:1}"],
    ["none, and there is a digest alone", `{image: "a/b@${DIGEST}"}`],
    ["IfNotPresent, and the tag is latest", "{image: a/b:latest, imagePullPolicy: IfNotPresent}"],
    ["Never", "{image: a/b, imagePullPolicy: Never}"],
    ["no image", "{name: c}"],
  ])("ignores %s", (_, container) => {
    expect(found(pod(container))).toEqual([]);
  });

  it("includes init containers, templates, image volumes and custom resources, once each", () => {
    const places = found(`
kind: Anything
spec:
  template:
    spec:
      initContainers: [{image: a/b}]
      containers: [{image: a/b, imagePullPolicy: Always}]
      volumes: [{name: v, image: {reference: a/b:latest}}, {name: w, image: {reference: a/b:1}}]
  operand: {pullPolicy: Always, image: a/c:1}
  other: {imagePullPolicy: Always}
`);

    expect(new Set(places)).toEqual(
      new Set([
        "spec.template.spec.initContainers[0].imagePullPolicy",
        "spec.template.spec.containers[0].imagePullPolicy",
        "spec.template.spec.volumes[0].image.pullPolicy",
        "spec.operand.pullPolicy",
        "spec.other.imagePullPolicy",
      ]),
    );
    expect(places).toHaveLength(5);
  });

  it("ignores definitions of custom resources, which start nothing", () => {
    expect(found(`kind: CustomResourceDefinition\nspec: {imagePullPolicy: Always}\n`)).toEqual([]);
  });
});

describe("patching", () => {
  it.each([
    [
      "a block map",
      pod("image: a/b\n      name: c"),
      pod("imagePullPolicy: IfNotPresent\n      image: a/b\n      name: c"),
    ],
    ["a flow map", pod("{image: a/b, name: c}"), pod("{imagePullPolicy: IfNotPresent, image: a/b, name: c}")],
    [
      "a policy that is written, with its comment",
      pod("image: a/b:1\n      imagePullPolicy: Always # fresh"),
      pod("image: a/b:1\n      imagePullPolicy: IfNotPresent # fresh"),
    ],
    [
      "one in quotes",
      pod('{image: a/b:1, imagePullPolicy: "Always"}'),
      pod("{image: a/b:1, imagePullPolicy: IfNotPresent}"),
    ],
  ])("changes %s, and nothing else", (_, before, after) => {
    expect(patchPullPolicies(before)).toBe(after);
  });

  it("does not change other documents and their separators", () => {
    const others = [
      "# Source: app/a.yaml\r\nkind: ConfigMap\r\ndata: {image:   'x'}\r\n",
      "kind: CustomResourceDefinition\nspec: {imagePullPolicy: Always}\n",
      "  # only a comment\n",
    ];
    const text = (policy: string): string =>
      ["", others[0], `\n${pod(`{image: a/b, imagePullPolicy: ${policy}}`)}`, others[1], others[2]].join(
        "---\n",
      );

    expect(patchPullPolicies(text("Always"))).toBe(text("IfNotPresent"));
  });

  it.each(["image: a/b", "image: a/b, imagePullPolicy: Always"])(
    "patches an anchor once for all of its aliases: %s",
    (fields) => {
      const patched = patchPullPolicies(
        `kind: Pod\nspec:\n  initContainers:\n    - &c {${fields}, name: c}\n  containers:\n    - *c\n`,
      );

      expect(found(patched)).toEqual([]);
      expect(parse(patched)).toMatchObject({
        spec: {
          initContainers: [{ image: "a/b", imagePullPolicy: "IfNotPresent" }],
          containers: [{ image: "a/b", imagePullPolicy: "IfNotPresent" }],
        },
      });
    },
  );

  it("patches the content of a merge key", () => {
    const patched = patchPullPolicies(
      `kind: Pod\nx: &x {imagePullPolicy: Always}\nspec:\n  containers:\n    - {<<: *x, image: a/b:1}\n`,
    );

    expect(parse(patched, { merge: true })).toMatchObject({
      spec: { containers: [{ image: "a/b:1", imagePullPolicy: "IfNotPresent" }] },
    });
  });
});
