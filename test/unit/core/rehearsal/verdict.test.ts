// The verdict of a rehearsal: who uses an image, who started it, and which images were not pulled.
import { describe, expect, it } from "vitest";
import type { Json } from "../../../../src/core/json.js";
import { judgeRehearsal, originOf, type Observed } from "../../../../src/core/rehearsal/verdict.js";
import { imageOf, inventoryOf } from "../load/inventory-of.js";

const WEB = "docker.io/library/web:1";
const IDLE = "docker.io/library/idle:1";
const HIDDEN = "quay.io/org/hidden:2";

const INVENTORY = {
  ...inventoryOf([imageOf(WEB), imageOf(IDLE)]),
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
const ownedBy = (kind: string, name: string, apiVersion = "apps/v1"): Json => ({
  ownerReferences: [{ apiVersion, kind, name, uid: `${kind}/${name}`, controller: true }],
});
const pod = (name: string, namespace: string, image: string, more: Json = {}): Json => ({
  kind: "Pod",
  metadata: { name, namespace, uid: `Pod/${name}`, ...more },
  spec: { containers: [{ name: "main", image }] },
});
const asked = (name: string, isInBundle: boolean): Observed["asked"][number] => ({
  name,
  isInBundle,
  nodes: new Set(["n1"]),
});
const judge = (seen: Partial<Observed>): ReturnType<typeof judgeRehearsal> =>
  judgeRehearsal(INVENTORY, {
    asked: [],
    pods: [],
    workloads: [],
    pending: [],
    refused: new Map(),
    ...seen,
  });

describe("a verdict", () => {
  it("counts a running image as used, because a node does not pull an image that it has", () => {
    const verdict = judge({ pods: [pod("web", "apps", "web:1")] });
    expect(verdict.asked).toMatchObject([
      { normalized: WEB, digest: imageOf(WEB).digest, usedBy: ["Pod apps/web"] },
    ]);
    expect(verdict.unused.map(({ normalized }) => normalized)).toEqual([IDLE]);
    expect(verdict.missing).toEqual([]);
  });

  it("distinguishes images of other workloads from those that the bundle lacks", () => {
    const verdict = judge({
      asked: [asked(HIDDEN, false)],
      pods: [pod("stranger", "elsewhere", HIDDEN)],
    });
    expect(verdict.ofOthers).toEqual([HIDDEN]);
    expect(verdict.missing).toEqual([]);
  });

  it("reports an image without a known workload as missing", () => {
    const verdict = judge({ asked: [asked(HIDDEN, false)], refused: new Map([[HIDDEN, "not found"]]) });
    expect(verdict.missing).toMatchObject([{ normalized: HIDDEN, owners: [], refused: "not found" }]);
  });

  it("follows a Pod up to the custom resource and the operator behind it", () => {
    const set: Json = {
      kind: "DaemonSet",
      metadata: {
        name: "agent",
        namespace: "apps",
        uid: "DaemonSet/agent",
        managedFields: [{ manager: "conductor", time: "2026-11-25T12:00:00Z" }],
        ...ownedBy("Orchestra", "first", "acme.example/v1"),
      },
    };
    const verdict = judge({
      pods: [pod("agent-1", "apps", HIDDEN, ownedBy("DaemonSet", "agent"))],
      workloads: [set],
      pending: [{ kind: "Pod", namespace: "apps", name: "agent-1", why: "image", image: HIDDEN }],
    });
    const [missing] = verdict.missing;
    expect(missing).toMatchObject({
      normalized: HIDDEN,
      pod: "apps/agent-1",
      owners: ["DaemonSet apps/agent", "Orchestra apps/first"],
      resource: { group: "acme.example", kind: "Orchestra" },
      operator: "conductor",
    });
    expect(missing && originOf(missing)).toContain("conductor");
    // A Pod that does not run adds no information.
    expect(verdict.pending).toEqual([]);
  });

  it("ignores Helm and the controllers and kinds of Kubernetes", () => {
    const set: Json = {
      kind: "ReplicaSet",
      metadata: {
        name: "web-1",
        namespace: "apps",
        uid: "ReplicaSet/web-1",
        managedFields: [{ manager: "kube-controller-manager", time: "2026-11-25T12:00:00Z" }],
        ...ownedBy("Deployment", "web"),
      },
    };
    const [missing] = judge({
      pods: [pod("web-1-x", "apps", HIDDEN, ownedBy("ReplicaSet", "web-1"))],
      workloads: [set],
    }).missing;
    expect(missing?.operator).toBeUndefined();
    expect(missing?.resource).toBeUndefined();
  });

  it("contains the Pods that did not start for other reasons", () => {
    const crashed = { kind: "Pod", namespace: "apps", name: "web", why: "crashes" };
    expect(judge({ pods: [pod("web", "apps", WEB)], pending: [crashed] }).pending).toEqual([crashed]);
  });
});
