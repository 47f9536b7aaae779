// Compares the images of a cluster with those of a bundle.
import { describe, expect, it } from "vitest";
import type { Inventory, InventoryImage } from "../../../../src/core/bundle/inventory.js";
import { checkRunning } from "../../../../src/core/check/check-running.js";
import type { RunningContainer, RunningObject } from "../../../../src/core/check/running-images.js";
import type { Evidence } from "../../../../src/core/images/image-use.js";
import { digestOfText, imageOf, inventoryOf } from "../load/inventory-of.js";

const DIGEST = `sha256:${"a".repeat(64)}`;
const EVIDENCE: Evidence = {
  rule: "pod-spec",
  chart: "app-1.0.0",
  template: "app/templates/x.yaml",
  object: "Deployment apps/web",
  path: "spec",
  value: "",
};

const bundled = (name: string, evidence: Partial<Evidence> = {}): InventoryImage => ({
  ...imageOf(name, { layers: ["12345"] }),
  evidence: [{ ...EVIDENCE, ...evidence }],
});
const list = (...images: readonly string[]): readonly RunningContainer[] =>
  images.map((image) => ({ image }));
const inPod = (image: string, object: Partial<RunningObject> = {}): readonly RunningContainer[] => [
  { image, in: { kind: "Pod", name: "p", namespace: "apps", isStatic: false, ...object } },
];

const BUNDLE: Inventory = {
  ...inventoryOf([
    bundled("docker.io/library/nginx:1"),
    bundled("quay.io/org/setup:1", { object: "Job apps/setup", hooks: ["pre-install"] }),
    bundled("quay.io/org/web:1"),
  ]),
  releases: [
    {
      name: "shop",
      namespace: "apps",
      chart: { name: "app", version: "1.0.0" },
      file: "charts/app-1.0.0.tgz",
      sha256: "",
      values: [],
    },
  ],
};

describe("names", () => {
  it("are compared as the kubelet interprets them, regardless of the spelling", () => {
    const report = checkRunning(BUNDLE, list("nginx:1", "docker.io/nginx:1", "quay.io/org/web:1"));

    expect(report.missing).toEqual([]);
    expect(report.present.map(({ reference }) => reference)).toEqual(["nginx:1", "quay.io/org/web:1"]);
  });

  it("with a digest must be present by digest, with or without the tag", () => {
    const image = imageOf(`quay.io/org/pinned:1@${DIGEST}`, {
      names: ["quay.io/org/pinned:1", `quay.io/org/pinned@${DIGEST}`],
    });
    const bundle = { ...BUNDLE, images: [...BUNDLE.images, image] };

    const report = checkRunning(
      bundle,
      list(`quay.io/org/pinned:1@${DIGEST}`, `quay.io/org/pinned@${DIGEST}`, `quay.io/org/web:1@${DIGEST}`),
    );

    expect(report.present).toHaveLength(2);
    expect(report.missing).toMatchObject([
      { normalized: `quay.io/org/web:1@${DIGEST}`, cause: { rule: "digest" } },
    ]);
  });
});

describe("images that no Pod runs", () => {
  it("have their size, and a note for hooks", () => {
    const { unused } = checkRunning(BUNDLE, list("nginx:1"));

    expect(unused).toEqual([
      {
        normalized: "quay.io/org/setup:1",
        compressedBytes: "quay.io/org/setup:1 linux/amd64 config".length + "12345".length,
        note: expect.stringContaining("pre-install") as unknown,
      },
      expect.objectContaining({ normalized: "quay.io/org/web:1", note: "" }),
    ]);
  });
});

describe("the cause of a missing image", () => {
  const excluded: Inventory = {
    ...BUNDLE,
    excluded: [{ reference: "redis:7", reason: "we run no redis" }],
    warnings: [{ code: "unknown-operator", message: "", object: "Deployment op", incomplete: true }],
  };
  const causeOf = (running: readonly RunningContainer[]) => checkRunning(excluded, running).missing[0]?.cause;

  it.each<[string, readonly RunningContainer[], string, string]>([
    ["an exclusion", list("docker.io/library/redis:7"), "excluded", "we run no redis"],
    ["another tag", list("quay.io/org/web:2"), "values", "version 1"],
    ["another registry", list("mirror.lab/quay/org/web:1"), "registry", "quay.io/org/web:1"],
    [
      "another registry of library images",
      list("mirror.lab/nginx:1"),
      "registry",
      "docker.io/library/nginx:1",
    ],
    ["nothing known", list("quay.io/org/other:1"), "unknown", "manifests/operators"],
    [
      "a container more than the chart's Deployment has",
      inPod("quay.io/org/sidecar:1", { owner: { kind: "ReplicaSet", name: "web-5d4f" } }),
      "injected",
      "Deployment apps/web",
    ],
    [
      "a workload that no chart makes",
      inPod("quay.io/org/made:1", {
        owner: { kind: "StatefulSet", name: "made" },
        managedBy: "the-operator",
      }),
      "operator",
      "the-operator",
    ],
    [
      "an operator that the bundle warned of",
      inPod("quay.io/org/made:1", { owner: { kind: "DaemonSet", name: "made" } }),
      "operator",
      "Deployment op",
    ],
    [
      "a workload that the release makes with other values",
      inPod("quay.io/org/more:1", {
        owner: { kind: "StatefulSet", name: "more" },
        managedBy: "Helm",
        instance: "shop",
      }),
      "values",
      "release shop",
    ],
    [
      "another release",
      inPod("quay.io/org/x:1", { owner: { kind: "StatefulSet", name: "x" }, managedBy: "Helm" }),
      "unknown",
      "StatefulSet apps/x",
    ],
    ["a Pod that someone made", inPod("quay.io/org/x:1"), "unknown", "Pod apps/p"],
  ])("is %s", (_, running, rule, words) => {
    const cause = causeOf(running);

    expect(cause?.rule).toBe(rule);
    expect(cause?.message).toContain(words);
  });
});

it("has the workload instead of each of its Pods", () => {
  const pods = [
    ...inPod("quay.io/org/web:1", { name: "web-5d4f-a", owner: { kind: "ReplicaSet", name: "web-5d4f" } }),
    ...inPod("quay.io/org/web:1", { name: "web-5d4f-b", owner: { kind: "ReplicaSet", name: "web-5d4f" } }),
    ...inPod("quay.io/org/web:1", { name: "j-1", owner: { kind: "Job", name: "nightly-28812345" } }),
  ];

  expect(checkRunning(BUNDLE, pods).present[0]?.usedBy).toEqual([
    "CronJob apps/nightly",
    "Deployment apps/web",
  ]);
});

describe("the cluster's own Pods", () => {
  const own = [
    ...inPod("registry.k8s.io/kube-apiserver:v1.30.2", { isStatic: true, namespace: "kube-system" }),
    ...inPod("registry.k8s.io/coredns/coredns:v1.11.1", { namespace: "kube-system" }),
  ];

  it("are not compared", () => {
    const report = checkRunning(BUNDLE, own);

    expect(report.missing).toEqual([]);
    expect(report.ofCluster).toHaveLength(2);
  });

  it("are compared in the namespace of a release", () => {
    const releases = BUNDLE.releases.map((release) => ({ ...release, namespace: "kube-system" }));

    expect(checkRunning({ ...BUNDLE, releases }, own).missing.map(({ normalized }) => normalized)).toEqual([
      "registry.k8s.io/coredns/coredns:v1.11.1",
    ]);
  });
});

describe("content", () => {
  const running = (imageId: string) => [{ image: "quay.io/org/web:1", imageId }];

  it.each([
    ["index", "quay.io/org/web:1 index"],
    ["manifest", "quay.io/org/web:1 linux/amd64 manifest"],
    ["config", "quay.io/org/web:1 linux/amd64 config"],
  ])("matches the bundle when the runtime reports its %s", (_, text) => {
    expect(checkRunning(BUNDLE, running(`quay.io/org/web@${digestOfText(text)}`)).otherContent).toEqual([]);
  });

  it("differs when the tag was moved, which is reported but is not a failure", () => {
    const report = checkRunning(BUNDLE, running(`quay.io/org/web@${DIGEST}`));

    expect(report.otherContent).toMatchObject([{ normalized: "quay.io/org/web:1", running: DIGEST }]);
    expect(report.missing).toEqual([]);
  });
});
