// What each rule of the audit finds, and what looks alike and is fine.
import { describe, expect, it } from "vitest";
import { AUDIT_RULE_IDS, SUPPRESSION_RULE_IDS } from "../../../../../src/core/audit-rule-ids.js";
import { SEVERITIES } from "../../../../../src/core/audit/rules/selectors.js";
import { RULES } from "../../../../../src/core/audit/rules/table.js";
import { FINDING_TEXTS } from "../../../../../src/core/audit/rules/texts.js";
import { placeholdersOf } from "../../../../../src/core/words/phrase.js";
import type { Inventory } from "../../../../../src/core/bundle/inventory.js";
import { imageOf, inventoryOf } from "../../load/inventory-of.js";
import { findingsOf, runBy, subjectsOf, type Given } from "./findings-of.js";

const DIGEST = `sha256:${"a".repeat(64)}`;

it("have the ids that the spec and the command line accept, each once", () => {
  expect(RULES.map(({ id }) => id)).toEqual(AUDIT_RULE_IDS);
});

it("have documentation with their severity", async () => {
  const { readFile } = await import("node:fs/promises");
  const text = await readFile("docs/commands.md", "utf8");
  const documented = [...text.matchAll(/^\| `([\w-]+)` \| (error|warning|note) \|/gm)].map(
    ([, id, severity]) => [id, severity],
  );

  expect(documented).toEqual([
    ...RULES.map(({ id, severity }) => [id, severity]),
    [SUPPRESSION_RULE_IDS[0], "warning"],
    [SUPPRESSION_RULE_IDS[1], "note"],
  ]);
});

describe("mutable-tag", () => {
  it.each([
    "busybox",
    "a.example/app:latest",
    "app:nightly",
    "app:main",
    "app:3",
    "app:v1",
    "nginx:1-alpine",
  ])("finds %s", (written) => {
    const image = runBy("Pod a", written);
    expect(subjectsOf("mutable-tag", { images: [image] })).toEqual([image.normalized]);
  });

  it.each([
    ...["app:1.24", "nginx:1.24-alpine", "app:v2.55.1", "app:20240131", "app:4711", "app:release-7"],
    ...[`app:latest@${DIGEST}`, `app@${DIGEST}`],
  ])("leaves %s", (written) => {
    expect(subjectsOf("mutable-tag", { images: [runBy("Pod a", written)] })).toEqual([]);
  });

  it("tells a missing tag from latest", () => {
    const kindOf = (written: string): string | undefined =>
      findingsOf({ images: [runBy("Pod a", written)] }).find(({ rule }) => rule === "mutable-tag")?.kind;

    expect(kindOf("busybox")).toBe("mutable-tag-missing");
    expect(kindOf("busybox:latest")).toBe("mutable-tag");
  });
});

describe("duplicate-versions", () => {
  it("finds versions of a repository, and of one path in several registries", () => {
    const images = [
      ...["quay.io/prometheus-operator/reloader:v0.67.1", "quay.io/prometheus-operator/reloader:v0.78.2"],
      ...["kiwigrid/k8s-sidecar:1.24.3", "quay.io/kiwigrid/k8s-sidecar:1.28.0", "quay.io/other/app:1.0"],
    ].map((name) => runBy("Pod a", name));

    expect(subjectsOf("duplicate-versions", { images })).toEqual([
      "kiwigrid/k8s-sidecar",
      "quay.io/prometheus-operator/reloader",
    ]);
  });

  it("leaves names without an organization in several registries", () => {
    const images = ["pause:3.9", "registry.k8s.io/pause:3.10"].map((name) => runBy("Pod a", name));
    expect(subjectsOf("duplicate-versions", { images })).toEqual([]);
  });
});

describe("unqualified-name", () => {
  it.each(["busybox:1.36", "grafana/loki:2.9.4", "library/busybox:1"])("finds %s", (written) => {
    expect(subjectsOf("unqualified-name", { images: [runBy("Pod a", written)] })).toHaveLength(1);
  });

  it.each(["docker.io/library/busybox:1", "index.docker.io/a/b:1", "localhost/a:1", "host:5000/a:1"])(
    "leaves %s",
    (written) => {
      expect(subjectsOf("unqualified-name", { images: [runBy("Pod a", written)] })).toEqual([]);
    },
  );
});

describe("no-digest", () => {
  it("offers the reference with the digest, but not one that no registry has", () => {
    const image = runBy("Pod a", "app:1.0.0");
    const [finding] = findingsOf({ images: [image] }).filter(({ rule }) => rule === "no-digest");

    expect(finding?.action).toContain(`${image.normalized}@${image.digest}`);
    expect(subjectsOf("no-digest", { images: [{ ...image, rebuilt: true }] })).toEqual([]);
    expect(subjectsOf("no-digest", { images: [runBy("Pod a", `app:1@${DIGEST}`)] })).toEqual([]);
  });
});

describe("images that only helm test starts", () => {
  const tested = runBy("Pod shop-test", "busybox", ["test"]);

  it("are findings when they are in the bundle and when they are not", () => {
    const left = { reference: "busybox", normalized: tested.normalized, objects: ["Pod shop-test"] };
    const rulesOf = (given: Given): readonly string[] => findingsOf(given).map(({ kind }) => kind);

    expect(rulesOf({ images: [tested] })).toContain("test-only-included");
    expect(rulesOf({ inventory: { testImages: [left] } })).toEqual([
      "mutable-tag-missing",
      "test-only",
      "unqualified-name",
    ]);
  });

  it("are none when an installed object needs them, too", () => {
    expect(subjectsOf("test-only", { images: [{ ...tested, required: true }] })).toEqual([]);
  });
});

describe("root-user", () => {
  it.each(["", "0", "root", "0:0", "root:wheel", "00"])("finds the user %j", (user) => {
    const given = { images: [runBy("Pod a", "app:1.0.0")], configs: { user, created: null } };
    expect(subjectsOf("root-user", given)).toHaveLength(1);
  });

  it.each(["1000", "nobody", "65532:0", "rooter", null])("leaves the user %j", (user) => {
    const given = { images: [runBy("Pod a", "app:1.0.0")], configs: { user, created: null } };
    expect(subjectsOf("root-user", given)).toEqual([]);
  });
});

describe("old-image", () => {
  const images = [runBy("Pod a", "app:1.0.0")];
  const found = (created: string | null, limits = { maxAgeDays: 365 }): readonly string[] =>
    subjectsOf("old-image", { images, configs: { user: "1", created }, limits, today: "2026-11-27" });

  it("finds images that are older than the limit, and none without a date", () => {
    expect(found("2025-11-26T23:00:00Z")).toHaveLength(1);
    expect(found("2025-11-27T01:00:00Z")).toEqual([]);
    expect(found(null)).toEqual([]);
    expect(found("yesterday")).toEqual([]);
  });

  it("does not look without a limit, and takes that of the spec", () => {
    const configs = { user: "1", created: "2001-01-01T00:00:00Z" };

    expect(subjectsOf("old-image", { images, configs })).toEqual([]);
    const audit = { maxAgeDays: 10_000 };
    expect(subjectsOf("old-image", { images, configs, inventory: { audit } })).toEqual([]);
    expect(
      subjectsOf("old-image", { images, configs, inventory: { audit: { maxAgeDays: 100 } } }),
    ).toHaveLength(1);
  });
});

describe("sizes", () => {
  const images = [imageOf("docker.io/a/large:1.0.0", { layers: ["x".repeat(2000)] })];
  const { normalized } = images[0]!;

  it("are compared with the limits of the command line, or else of the spec", () => {
    expect(subjectsOf("large-image", { images })).toEqual([]);
    expect(subjectsOf("large-image", { images, limits: { maxBytes: 1000 } })).toEqual([normalized]);
    const inventory = { audit: { maxBytes: 1000 } };
    expect(subjectsOf("large-image", { images, inventory })).toEqual([normalized]);
    expect(subjectsOf("large-image", { images, inventory, limits: { maxBytes: 5000 } })).toEqual([]);
    expect(subjectsOf("large-image", { images, inventory, limits: { maxBytes: undefined } })).toHaveLength(1);
  });

  it("of layers are findings about the layer", () => {
    const layers = [{ digest: DIGEST, size: 2000, uncompressedSize: null, images: [normalized] }];
    const inventory = { audit: { maxLayerBytes: 1000 } };
    expect(subjectsOf("large-layer", { images, layers, inventory })).toEqual([DIGEST]);
  });
});

describe("platform-missing", () => {
  const one = imageOf("docker.io/a/one:1.0.0", { platforms: ["linux/amd64"] });
  const both = imageOf("docker.io/a/both:1.0.0", { platforms: ["linux/amd64", "linux/arm64"] });

  it("finds the image that lacks a platform of the bundle", () => {
    expect(subjectsOf("platform-missing", { images: [one, both] })).toEqual([one.normalized]);
    expect(subjectsOf("platform-missing", { images: [both] })).toEqual([]);
  });

  it("names the platform when no image has it", () => {
    const inventory = { nodePlatforms: ["linux/amd64", "linux/arm64"] };
    expect(subjectsOf("platform-missing", { images: [one], inventory })).toEqual(["linux/arm64"]);
  });

  it("takes what a node can run, too", () => {
    const image = imageOf("docker.io/a/old:1.0.0", { platforms: ["linux/arm/v7"] });
    const inventory = { platforms: ["linux/arm64"] };
    expect(subjectsOf("platform-missing", { images: [image], inventory })).toEqual([]);
  });
});

describe("pull-policy", () => {
  const pull = (image: string, implied: boolean, object = "Pod a"): unknown => ({
    ...{ object, path: "spec.containers[0].imagePullPolicy", image, implied },
  });
  const given = (alwaysPulled: readonly unknown[]): Given => ({
    inventory: { rendered: { apis: [], alwaysPulled, largeDefinitions: [] } as Inventory["rendered"] & {} },
  });

  it("is one finding for each image, with its objects", () => {
    const findings = findingsOf(given([pull("app:1.0", false), pull("app:1.0", false, "Pod b")]));

    expect(findings.map(({ rule, subject }) => [rule, subject])).toEqual([
      ["pull-policy", "docker.io/library/app:1.0"],
    ]);
    expect(findings[0]?.message).toContain("Pod a, Pod b");
  });

  it("tells the default for latest, and is about the object where no image is beside the policy", () => {
    expect(findingsOf(given([pull("app", true), pull("", false, "Prometheus a/b")]))).toMatchObject([
      { kind: "pull-policy-implied", subject: "docker.io/library/app:latest" },
      { kind: "pull-policy", subject: "Prometheus a/b" },
    ]);
  });
});

describe("API versions", () => {
  const rulesFor = (kubeVersion: string | undefined, apiVersion: string, kind: string): unknown =>
    findingsOf({
      inventory: {
        ...(kubeVersion !== undefined && { kubeVersion }),
        rendered: {
          apis: [{ apiVersion, kind, objects: 2, first: `${kind} a` }],
          alwaysPulled: [],
          largeDefinitions: [],
        },
      },
    }).map(({ rule }) => rule);

  it.each([
    ["v1.30.2", "policy/v1beta1", "PodSecurityPolicy", ["removed-api"]],
    ["1.25", "batch/v1beta1", "CronJob", ["removed-api"]],
    ["v1.25.0-rc.1+k3s1", "batch/v1beta1", "CronJob", ["removed-api"]],
    ["v1.24.9", "batch/v1beta1", "CronJob", ["deprecated-api"]],
    [undefined, "extensions/v1beta1", "Ingress", ["deprecated-api"]],
    ["v2.0.0", "extensions/v1beta1", "Ingress", ["removed-api"]],
    ["v1.30.2", "apps/v1", "Deployment", []],
    ["v1.30.2", "batch/v1beta1", "Job", []],
  ])("for %s, %s %s", (kubeVersion, apiVersion, kind, rules) => {
    expect(rulesFor(kubeVersion, apiVersion, kind)).toEqual(rules);
  });
});

describe("unpinned-chart", () => {
  const chart = {
    ...{
      package: "shop-1.0.0",
      path: "shop",
      name: "shop",
      version: "1.0.0",
      appVersion: null,
      description: null,
    },
    dependencies: [
      { name: "db", version: "5.29.*", repository: "https://charts.example" },
      { name: "cache", version: "1.2.3", repository: "oci://charts.example" },
      { name: "inner", version: "*", repository: "" },
      { name: "beside", version: ">0", repository: "file://../beside" },
    ],
  };

  it("finds ranges of dependencies that are fetched, but not those of subcharts", () => {
    const charts = [chart, { ...chart, path: "shop/charts/db", name: "db" }];
    const findings = findingsOf({ facts: { charts } });

    expect(findings.map(({ rule, subject }) => [rule, subject])).toEqual([["unpinned-chart", "shop-1.0.0"]]);
    expect(findings[0]?.values["ranges"]).toBe("db 5.29.*");
  });

  it("finds a chart for which the spec gives a range", () => {
    const release = {
      ...{ name: "a", namespace: "a", file: "charts/a.tgz", sha256: "0".repeat(64), values: [] },
      chart: { name: "a", version: "1.2.3", range: "^1.0.0" },
    };
    expect(subjectsOf("unpinned-chart", { inventory: { releases: [release] } })).toEqual(["a-1.2.3"]);
  });
});

describe("the list of images", () => {
  const warning = { code: "unknown-operator", message: "it may start images", object: "Deployment maker" };

  it("gives a finding for every warning, and another one for those that are silenced", () => {
    const findings = findingsOf({
      inventory: {
        warnings: [
          { ...warning, incomplete: true, hint: "rehearse" },
          { ...warning, object: "Deployment other", incomplete: false, silenced: "judged" },
          { code: "platform-absent", message: "a platform", images: ["a/b:1"], incomplete: false },
        ],
      },
    });

    expect(findings.map(({ rule, subject }) => [rule, subject])).toEqual([
      ["unknown-operator", "Deployment maker"],
      ["warning:platform-absent", "a/b:1"],
      ["silenced", "Deployment other"],
    ]);
    expect(findings[0]?.action).toBe("rehearse");
    expect(findings[2]?.message).toContain("judged");
  });

  it("gives findings for what is excluded, uncertain or rebuilt", () => {
    const findings = findingsOf({
      images: [{ ...imageOf("docker.io/a/b:1.0.0"), confidence: "medium", rebuilt: true }],
      inventory: { excluded: [{ reference: "c/d:1", reason: "not run" }] },
    });
    expect(findings.map(({ rule }) => rule)).toEqual(["low-confidence", "rebuilt", "excluded"]);
  });
});

it("come most severe first", () => {
  const severities = findingsOf({
    images: [runBy("Pod a", "busybox"), imageOf("docker.io/a/b:1.0.0", { platforms: ["linux/arm64"] })],
    inventory: { warnings: [{ code: "z", message: "m", incomplete: true }] },
  }).map(({ severity }) => SEVERITIES.indexOf(severity));

  expect(severities).toEqual(severities.toSorted((one, other) => one - other));
  expect(new Set(severities).size).toBe(3);
});

it("fill every placeholder of their texts", () => {
  const findings = findingsOf({
    images: [runBy("Pod a", "busybox"), runBy("Pod b", "busybox:1")],
    inventory: {
      ...inventoryOf([]),
      audit: { maxBytes: 1, suppress: [{ rule: "rebuilt", reason: "r" }] },
      excluded: [{ reference: "c/d:1", reason: "not run" }],
    },
    configs: { user: "root", created: "2000-01-01T00:00:00Z" },
    limits: { maxAgeDays: 1 },
  });

  for (const { kind, values, message, why, action } of findings) {
    const text = FINDING_TEXTS[kind as keyof typeof FINDING_TEXTS];
    const names = [text.message, text.why, text.action].flatMap(placeholdersOf);
    for (const name of names) expect(Object.keys(values), `${kind} ${name}`).toContain(name);
    expect(`${message}${why}${action}`).not.toMatch(/[{}]/);
  }
});
