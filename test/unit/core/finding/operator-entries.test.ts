// All entries of the knowledge base, with programs and custom resources made from the entries
// themselves.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { minVersion } from "semver";
import { describe, expect, it } from "vitest";
import { loadOperators } from "../../../../src/adapters/files/read-operators.js";
import type { OperatorRule, ResourceCondition } from "../../../../src/core/finding/operator-rules.js";
import { isRepository } from "../../../../src/core/images/repository-copies.js";
import { isInRange, readTagVersion } from "../../../../src/core/finding/tag-range.js";
import { parseReference } from "../../../../src/core/images/reference.js";
import { ROOT } from "../../../support/paths.js";
import { findIn } from "./find.js";

const OPERATORS = await loadOperators([join(ROOT, "manifests/operators")]);

/** Images of operators as real charts and manifests name them. */
const REAL_IMAGES = JSON.parse(
  readFileSync(join(ROOT, "test/fixtures/operator-images.json"), "utf8"),
) as readonly { readonly entry: string; readonly image: string; readonly from: string }[];

/** A chart with the operator alone, which may create Pods. */
function chartOf(rule: OperatorRule, tag: string): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: { name: operator }
spec: { template: { spec: { serviceAccountName: operator, containers: [{ image: "registry.example/${rule.repository}:${tag}" }] } } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: operator }
rules: [{ apiGroups: [""], resources: [pods], verbs: [create] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: operator }
roleRef: { kind: ClusterRole, name: operator }
subjects: [{ kind: ServiceAccount, name: operator }]
`;
}

/** A custom resource that meets the condition. */
function resourceOf({ group, kind, has, in: range, is }: ResourceCondition): string {
  const value = is ?? (range === undefined ? "set" : (minVersion(range)?.version ?? ""));
  const fields = (has ?? "spec").split(".");
  const body = fields.reduceRight<unknown>(
    (inner, field) => ({ [field]: inner }),
    has === undefined ? {} : value,
  );
  return `---\n${JSON.stringify({ apiVersion: `${group}/v1`, kind, metadata: { name: "resource" }, ...(body as object) })}\n`;
}

/** The oldest tag of a release. */
function tagOf({ tags, prefix }: OperatorRule["releases"][number]): string {
  return `${prefix}${minVersion(tags)?.version ?? ""}`;
}

const newest = (rule: OperatorRule): string => {
  const [release] = rule.releases;
  return release === undefined ? expect.fail("no release") : tagOf(release);
};

const appliesAt = (tag: string, { tags }: { readonly tags?: string | undefined }): boolean => {
  const version = readTagVersion(tag)?.version ?? "";
  return tags === undefined || isInRange(version, tags);
};

describe.each(OPERATORS.map((rule) => [rule.id, rule] as const))("the entry %s", (id, rule) => {
  const tag = newest(rule);
  const conditions = [
    ...rule.images.filter((image) => appliesAt(tag, image)).flatMap(({ when = [] }) => when),
    ...rule.unknown.filter((fact) => appliesAt(tag, fact)).flatMap(({ when = [] }) => when),
    ...rule.flags.flatMap(({ usedWhen }) => usedWhen),
  ];
  const always = rule.unknown.filter(({ when, given }) => when === undefined && given === undefined);

  it("names the sources of its facts", () => {
    for (const source of rule.sources) expect(source).toMatch(/\w/);
    if (rule.table !== undefined) expect(rule.table.repository).toMatch(/^https:\/\//);
  });

  it("has ranges that no tag is in twice", () => {
    for (const release of rule.releases) {
      const version = readTagVersion(tagOf(release)) ?? expect.fail(release.tags);
      const containing = rule.releases.filter(
        ({ tags, prefix }) => prefix === release.prefix && isInRange(version.version, tags),
      );
      expect(containing, release.tags).toHaveLength(1);
    }
  });

  it("warns if custom resources may come later, and only then", () => {
    const { images, unresolved = [], warnings } = findIn(chartOf(rule, tag), OPERATORS);

    const expected = conditions.length > 0 || always.length > 0;
    expect(warnings.some(({ incomplete }) => incomplete)).toBe(expected);
    const later = warnings.filter(({ code }) => code === "operator-images-later");
    expect(later).toHaveLength(conditions.length > 0 ? 1 : 0);
    const isOpen = always.length > 0 || unresolved.some(({ required }) => required);
    if (later.length > 0 && !isOpen) expect(warnings).toHaveLength(1);
    expect(warnings.filter(({ code }) => code === "unknown-operator")).toEqual([]);
    for (const { normalized, confidence } of images) expect(confidence, normalized).toBe("certain");
  });

  it.each(["v999.0.0", "latest"])("requires nothing by a guess at a tag that nobody read: %s", (other) => {
    const custom = conditions.map(resourceOf).join("");

    const { images } = findIn(chartOf(rule, other) + custom, OPERATORS);

    const guessed = images.filter(
      ({ required, evidence }) => required && evidence.some((piece) => piece.rule === `operator:${id}`),
    );
    // What the custom resources name does not depend on the version of the operator.
    const isSet = (reference: string): boolean =>
      custom.includes(reference.slice(reference.lastIndexOf(":") + 1));
    expect(guessed.filter(({ normalized }) => !isSet(normalized))).toEqual([]);
  });
});

describe("the image of an operator in a real chart", () => {
  it.each(REAL_IMAGES.map(({ image, entry }) => [image, entry]))(
    "%s is in one range of %s",
    (image, entry) => {
      const rule = OPERATORS.find(({ id }) => id === entry) ?? expect.fail(entry);
      const reference = parseReference(image);
      const build = rule.releases.filter(({ builds = [] }) => builds.includes(reference.tag ?? ""));
      const { prefix, version } = readTagVersion(reference.tag) ?? { prefix: "", version: "" };

      expect(
        [rule.repository, ...rule.copies].some((known) =>
          isRepository(`${reference.registry}/${reference.repository}`, known),
        ),
      ).toBe(true);
      const containing = rule.releases.filter(
        (release) => release.prefix === prefix && version !== "" && isInRange(version, release.tags),
      );
      expect([...build, ...containing]).toHaveLength(1);
    },
  );
});

describe("every release", () => {
  it.each(OPERATORS.map((rule) => [rule.id, rule] as const))(
    "of %s gives images with a version, or says that it is unknown",
    (id, rule) => {
      for (const release of rule.releases) {
        const tag = tagOf(release);
        const images = rule.images.filter((image) => appliesAt(tag, image));
        const custom = images.flatMap(({ when = [], with: besides = [] }) => [...when, ...besides]);

        const found = findIn(chartOf(rule, tag) + custom.map(resourceOf).join(""), [rule]);

        for (const { normalized, evidence } of found.images) {
          if (!evidence.some((piece) => piece.rule === `operator:${id}`)) continue;
          expect(normalized, tag).not.toMatch(/null|undefined|[{}?]/);
        }
        if (rule.unknown.length > 0 || Object.values(release.values ?? {}).includes(null)) continue;
        expect(
          found.warnings.filter(({ code }) => code === "operator-images-unknown"),
          tag,
        ).toEqual([]);
      }
    },
  );
});

// A chart as rke2 has it: a copy of the operator, and an Installation that names the copies of the
// other images. Which images each release has was read from pkg/components/calico.go of the operator at
// the tag.
describe("Calico of rke2", () => {
  const BASE = [
    "node",
    "cni",
    "kube-controllers",
    "typha",
    "pod2daemon-flexvol",
    "csi",
    "node-driver-registrar",
    "apiserver",
  ];
  const FLOWS = ["goldmane", "whisker", "whisker-backend"];
  const GATEWAY = ["envoy-gateway", "envoy-proxy", "envoy-ratelimit"];
  const installation = `---
apiVersion: operator.tigera.io/v1
kind: Installation
metadata: { name: default }
spec: { registry: docker.io, imagePath: rancher, imagePrefix: mirrored-calico- }
---
apiVersion: operator.tigera.io/v1
kind: APIServer
metadata: { name: default }
`;

  it.each([
    ["v1.34.1", "v3.28.0", BASE],
    ["v1.34.13", "v3.28.5", BASE],
    ["v1.38.3", "v3.30.2", [...BASE, ...FLOWS, ...GATEWAY]],
    ["v1.40.3", "v3.31.3", [...BASE, ...FLOWS, ...GATEWAY]],
    ["v1.42.0", "v3.32.0", [...BASE, ...FLOWS, ...GATEWAY]],
  ])("has the images of %s in %s, and no other", (tag, calico, names) => {
    const rule = OPERATORS.find(({ id }) => id === "tigera-operator") ?? expect.fail("no entry");
    const text = chartOf(rule, tag).replace(
      "registry.example/tigera/operator",
      "rancher/mirrored-calico-operator",
    );

    const { images, warnings } = findIn(text + installation, OPERATORS);

    const operator = `docker.io/rancher/mirrored-calico-operator:${tag}`;
    expect(images.filter(({ required }) => required).map(({ normalized }) => normalized)).toEqual(
      [operator, ...names.map((name) => `docker.io/rancher/mirrored-calico-${name}:${calico}`)].toSorted(),
    );
    expect(warnings).toEqual([]);
  });
});
