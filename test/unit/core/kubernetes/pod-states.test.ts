// The state of the Pods in a namespace: which run, which do not, and why.
import { describe, expect, it } from "vitest";
import type { Json } from "../../../../src/core/json.js";
import { judgePods } from "../../../../src/core/kubernetes/pod-states.js";

const READY = [{ type: "Ready", status: "True" }];
const pod = (name: string, status: Json, spec: Json = {}, owner?: string): Json => ({
  kind: "Pod",
  metadata: {
    name,
    namespace: "apps",
    uid: `uid of ${name}`,
    ...(owner !== undefined && { ownerReferences: [{ kind: "Job", uid: owner }] }),
  },
  spec: { nodeName: "n1", containers: [{ name: "c", image: "a/b:1" }], ...spec },
  status: { phase: "Pending", ...status },
});
const running = pod("well", { phase: "Running", conditions: READY });
const waiting = (reason: string, message?: string): Json => ({
  name: "c",
  ready: false,
  image: "docker.io/a/b:1",
  state: { waiting: { reason, message } },
});
const made = (kind: string, status: Json, spec: Json = {}): Json => ({
  kind,
  metadata: { name: "x", namespace: "apps", uid: "x", generation: 2 },
  spec,
  status: { observedGeneration: 2, ...status },
});
const whyOf = (object: Json, ...warnings: Json[]): string | undefined =>
  judgePods([object], warnings).pending[0]?.why;
const warning = (uid: string, reason: string, message: string): Json => ({
  involvedObject: { uid },
  reason,
  message,
});

describe("Pods", () => {
  it("are counted, including the images of init containers", () => {
    const other = pod("other", {}, { initContainers: [{ name: "i", image: "a/init:1" }] });
    const states = judgePods([running, other]);

    expect(states).toMatchObject({
      pods: 2,
      ready: 1,
      pending: [{ kind: "Pod", name: "other", node: "n1" }],
    });
    expect([...states.images].sort()).toEqual(["a/b:1", "a/init:1"]);
  });

  it("that succeeded, are being deleted, or belong to a complete Job are not counted", () => {
    const gone = { ...running, metadata: { name: "gone", deletionTimestamp: "2024-01-01T00:00:00Z" } };
    const job = made("Job", { conditions: [{ type: "Complete", status: "True" }] });
    const failedTry = pod("try", { phase: "Failed" }, {}, "x");

    expect(judgePods([pod("done", { phase: "Succeeded" }), gone, job, failedTry])).toMatchObject({
      pods: 0,
      pending: [],
    });
  });

  it("change the fingerprint when they are created, deleted, or become ready", () => {
    const prints = [
      [],
      [pod("a", {})],
      [pod("a", { phase: "Running", conditions: READY })],
      [pod("b", {})],
    ].map((objects) => judgePods(objects).fingerprint);

    expect(new Set(prints).size).toBe(prints.length);
  });
});

describe("a Pod that does not run", () => {
  it.each(["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"])(
    "lacks an image, as written in the Pod: %s",
    (reason) => {
      const states = judgePods([pod("p", { containerStatuses: [waiting(reason)] })]);

      expect(states.pending).toMatchObject([{ name: "p", node: "n1", image: "a/b:1" }]);
    },
  );

  it("lacks the image of an init container, which is the first cause", () => {
    const { pending } = judgePods([
      pod(
        "p",
        {
          initContainerStatuses: [{ ...waiting("ErrImagePull"), name: "i" }],
          containerStatuses: [waiting("PodInitializing")],
        },
        { initContainers: [{ name: "i", image: "a/init:1" }] },
      ),
    ]);

    expect(pending).toMatchObject([{ image: "a/init:1" }]);
  });

  it("crashes repeatedly, with exit code, last message, and the command for its log", () => {
    const why = whyOf(
      pod("p", {
        phase: "Running",
        containerStatuses: [
          {
            ...waiting("CrashLoopBackOff"),
            lastState: { terminated: { exitCode: 7, message: "started\nno such table\n" } },
          },
        ],
      }),
    );

    expect(why).toMatch(/\b7\b.*no such table.*kubectl logs -n apps p -c c --previous/);
  });

  it("is not scheduled, with the reason of the scheduler", () => {
    const conditions = [{ type: "PodScheduled", status: "False", message: "0/3 nodes: Insufficient memory" }];

    expect(whyOf(pod("p", { conditions }))).toContain("Insufficient memory");
  });

  it("failed, for a reason or with an exit code", () => {
    expect(whyOf(pod("p", { phase: "Failed", reason: "Evicted", message: "low on disk" }))).toMatch(
      /Evicted.*low on disk/,
    );
    const ended = { name: "c", state: { terminated: { exitCode: 3 } } };
    expect(whyOf(pod("p", { phase: "Failed", containerStatuses: [ended] }))).toMatch(/\bc\b.*\b3\b/);
  });

  it("waits for another reason, with the message of the kubelet", () => {
    const status = waiting("CreateContainerConfigError", 'configmap "wanted" not found');

    expect(whyOf(pod("p", { containerStatuses: [status] }))).toContain('configmap "wanted" not found');
  });

  it("runs but is not ready, with the last warning, except harmless ones", () => {
    const unready = pod("p", { phase: "Running", containerStatuses: [{ name: "c", ready: false }] });
    const uid = "uid of p";

    const why = whyOf(
      unready,
      warning("another", "Unhealthy", "of another"),
      warning(uid, "Unhealthy", "Readiness probe failed:\n 503"),
      warning(uid, "MissingClusterDNS", "no DNS"),
    );

    expect(why).toMatch(/Readiness probe failed: 503$/);
  });
});

describe("an object that creates Pods", () => {
  it.each([
    ["Deployment", { replicas: 2 }, { updatedReplicas: 2 }, { updatedReplicas: 1 }],
    [
      "StatefulSet",
      { replicas: 2 },
      { replicas: 2, updatedReplicas: 2 },
      { replicas: 1, updatedReplicas: 1 },
    ],
    [
      "DaemonSet",
      {},
      { desiredNumberScheduled: 3, updatedNumberScheduled: 3 },
      { desiredNumberScheduled: 3, updatedNumberScheduled: 0 },
    ],
  ])("%s is pending until it has created all", (kind, spec, whole, short) => {
    expect(judgePods([made(kind, whole, spec)]).pending).toEqual([]);
    expect(judgePods([made(kind, short, spec)]).pending).toMatchObject([{ kind, name: "x" }]);
    const unseen = { ...whole, observedGeneration: 1 };
    expect(judgePods([made(kind, unseen, spec)]).pending).toHaveLength(1);
  });

  it("is incomplete for the reason of its ReplicaSet", () => {
    const set = { kind: "ReplicaSet", metadata: { uid: "rs", ownerReferences: [{ uid: "x" }] } };

    const { pending } = judgePods(
      [made("Deployment", {}), set],
      [warning("rs", "FailedCreate", "exceeded quota: pods=10")],
    );

    expect(pending[0]?.why).toContain("exceeded quota: pods=10");
  });

  it("is a Job, which is pending until it is complete, or failed with its message", () => {
    const job = (conditions: readonly Json[], spec: Json = {}): Json => made("Job", { conditions }, spec);

    expect(judgePods([job([])]).pending).toHaveLength(1);
    expect(judgePods([job([], { suspend: true })]).pending).toEqual([]);
    expect(judgePods([job([{ type: "Complete", status: "True" }])]).pending).toEqual([]);
    const failed = { type: "Failed", status: "True", message: "Job has reached the backoff limit" };
    expect(whyOf(job([failed]))).toContain("backoff limit");
  });
});
