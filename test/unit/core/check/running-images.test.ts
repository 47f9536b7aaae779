// The output of kubectl, and invalid input.
import { describe, expect, it } from "vitest";
import { parseRunningImages } from "../../../../src/core/check/running-images.js";
import type { ViolaError } from "../../../../src/errors.js";

const imagesOf = (text: string): readonly string[] =>
  parseRunningImages(text, "pods").map(({ image }) => image);

function failureOf(text: string): ViolaError {
  try {
    parseRunningImages(text, "pods");
  } catch (error) {
    return error as ViolaError;
  }
  return expect.fail("it was read");
}

describe("JSON", () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "app-6f5d-x2",
      namespace: "apps",
      labels: { "app.kubernetes.io/managed-by": "some-operator", "app.kubernetes.io/instance": "app" },
      ownerReferences: [
        { kind: "Thing", name: "not-in-charge" },
        { kind: "ReplicaSet", name: "app-6f5d", controller: true },
      ],
    },
    spec: {
      initContainers: [{ name: "init", image: "busybox" }],
      containers: [{ name: "app", image: "quay.io/org/app:1" }],
      ephemeralContainers: [{ name: "debug", image: "quay.io/org/debug:1" }],
    },
    status: {
      containerStatuses: [{ name: "app", image: "x", imageID: "quay.io/org/app@sha256:abc" }],
    },
  };

  it("has every container of a Pod with its owner, labels and runtime status", () => {
    const running = parseRunningImages(JSON.stringify({ kind: "List", items: [pod] }), "pods");

    expect(running.map(({ image, imageId }) => [image, imageId])).toEqual([
      ["busybox", undefined],
      ["quay.io/org/app:1", "quay.io/org/app@sha256:abc"],
      ["quay.io/org/debug:1", undefined],
    ]);
    expect(running[0]?.in).toEqual({
      kind: "Pod",
      name: "app-6f5d-x2",
      namespace: "apps",
      owner: { kind: "ReplicaSet", name: "app-6f5d" },
      managedBy: "some-operator",
      instance: "app",
      isStatic: false,
    });
  });

  it("may be one Pod, nested lists, and templates of other kinds", () => {
    const cronJob = {
      kind: "CronJob",
      metadata: { name: "c" },
      spec: {
        jobTemplate: { spec: { template: { spec: { containers: [{ image: "quay.io/org/job:1" }] } } } },
      },
    };

    expect(imagesOf(JSON.stringify(pod))).toHaveLength(3);
    expect(imagesOf(JSON.stringify([{ items: [cronJob] }, { kind: "Service" }]))).toEqual([
      "quay.io/org/job:1",
    ]);
  });

  it("identifies the static Pods of a node", () => {
    const owned = { ...pod, metadata: { name: "x", ownerReferences: [{ kind: "Node", name: "n" }] } };
    const mirrored = {
      ...pod,
      metadata: { name: "x", annotations: { "kubernetes.io/config.mirror": "1" } },
    };

    for (const one of [owned, mirrored])
      expect(parseRunningImages(JSON.stringify(one), "pods")[0]?.in?.isStatic).toBe(true);
  });
});

describe("a bare list", () => {
  it("may have any separator that jsonpath and its users write", () => {
    expect(imagesOf("quay.io/a/b:1 nginx\r\ndocker.io/c/d:2, e/f\n")).toEqual([
      "quay.io/a/b:1",
      "nginx",
      "docker.io/c/d:2",
      "e/f",
    ]);
  });

  it("may have the counts of `uniq -c`", () => {
    expect(imagesOf("      4 quay.io/a/b:1\n     12 nginx\n")).toEqual(["quay.io/a/b:1", "nginx"]);
  });
});

it.each([
  ["nothing", " \n"],
  ["broken JSON", '{"kind":"List","items":['],
  ["JSON that is no object of Kubernetes", "{}"],
  ["an empty list", '{"kind":"List","items":[]}'],
  ["objects without containers", '{"kind":"List","items":[{"kind":"Service","metadata":{"name":"x"}}]}'],
  ["YAML", "apiVersion: v1\nitems: []\n"],
  ["kubectl's table", "NAME    READY   STATUS\nloki-0  1/1     Running\n"],
  ["an error message", "Error from server (Forbidden): pods is forbidden"],
  ["prose", "no resources found"],
  ["lists without end", "[".repeat(1_000_000)],
  ["objects without end", `${'{"items":['.repeat(5_000)}${"]}".repeat(5_000)}`],
])("rejects %s", (_, text) => {
  const failure = failureOf(text);

  expect(failure).toMatchObject({ code: "FILE_UNUSABLE", subject: "pods" });
  expect(failure.hint).toContain("kubectl get pods");
});
