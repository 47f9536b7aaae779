// Installing, and the reasons not to begin, with fakes of cluster, nodes and helm.
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Json } from "../../../../src/core/json.js";
import { ViolaError } from "../../../../src/errors.js";
import { imageOf } from "../../core/load/inventory-of.js";
import {
  deployment,
  installWith,
  namesOf,
  nodeObject,
  nodeWith,
  registryWith,
  SERVER,
  type Outcome,
} from "../install-with.js";

const image = imageOf(SERVER);
const OTHER = "docker.io/a/other:1";
const target = (...nodes: ReturnType<typeof nodeWith>[]) => ({
  name: "kind:viola",
  findNodes: () => Promise.resolve(nodes),
});
const expectRefused = ({ report, done }: Outcome, ...refusals: readonly object[]): void => {
  expect(report).toMatchObject({ outcome: "refused", refusals });
  expect(report?.refusals).toHaveLength(refusals.length);
  expect(done).toEqual([]);
};

afterEach(() => {
  vi.useRealTimers();
});

describe("a cluster without problems", () => {
  it("gets the release", async () => {
    const { report, done, input } = await installWith({});

    expect(report).toMatchObject({ outcome: "installed", context: "ctx", kubeVersion: "v1.30.2" });
    expect(done).toEqual(["install app"]);
    expect(input).toMatchObject({ namespace: "apps", isFirst: true, isPatched: false });
  });

  it("has its Pods counted while waiting", async () => {
    vi.useFakeTimers();
    const pod = { kind: "Pod", metadata: { uid: "1", name: "p" }, ...running(SERVER) };
    const installing = installWith({ workloads: () => Promise.resolve([pod]) }, { isWaiting: true });
    await vi.advanceTimersByTimeAsync(10_000);

    expect((await installing).report).toMatchObject({
      outcome: "installed",
      releases: [{ ready: 1, pods: 1 }],
    });
  });
});

describe("a cluster that is unreachable while waiting for Pods", () => {
  const waitWith = async (failure: Error, times: number): Promise<Outcome> => {
    vi.useFakeTimers();
    const pod = { kind: "Pod", metadata: { uid: "1", name: "p" }, ...running(SERVER) };
    let asked = 0;
    // The first query is one while helm runs.
    const workloads = (): Promise<readonly Json[]> =>
      ++asked > 1 && asked <= 1 + times ? Promise.reject(failure) : Promise.resolve([pod]);
    const installing = installWith({ workloads }, { isWaiting: true, timeoutSeconds: 600 });
    await vi.advanceTimersByTimeAsync(120_000);
    return installing;
  };

  it("may become reachable again", async () => {
    const { report } = await waitWith(new ViolaError("CLUSTER_UNREACHABLE", "away"), 3);

    expect(report).toMatchObject({ outcome: "installed" });
  });

  it("is an error after a minute", async () => {
    const { error } = await waitWith(new ViolaError("CLUSTER_UNREACHABLE", "away"), 1000);

    expect(error).toMatchObject({ code: "CLUSTER_UNREACHABLE" });
  });

  it("hides no other failure", async () => {
    const { error } = await waitWith(new TypeError("a bug"), 1);

    expect(error).toBeInstanceOf(TypeError);
  });
});

it("throws a bug that occurs while helm runs, after helm has ended", async () => {
  vi.useFakeTimers();
  let hasEnded = false;
  const helm = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    hasEnded = true;
  };
  const installing = installWith({ helm, workloads: () => Promise.reject(new TypeError("a bug")) });
  await vi.advanceTimersByTimeAsync(10_000);

  expect((await installing).error).toBeInstanceOf(TypeError);
  expect(hasEnded).toBe(true);
});

describe("a problem that is reported first", () => {
  it("is a chart for another Kubernetes version", async () => {
    expectRefused(await installWith({ kubeVersion: ">=1.31.0-0" }), { code: "kube-version", subject: "app" });
    expect((await installWith({ kubeVersion: ">=1.19.0-0, <2" })).report?.outcome).toBe("installed");
  });

  it("is a namespace that is being deleted", async () => {
    const { error, done } = await installWith({ phase: "Terminating" });

    expect(error).toMatchObject({ code: "INSTALL_FAILED", subject: "apps" });
    expect(done).toEqual([]);
  });

  it("is the AlwaysPullImages admission controller", async () => {
    expectRefused(await installWith({ alwaysPulls: true }), { code: "always-pull-images", subject: "ctx" });
  });
});

describe("pull policies", () => {
  const objects = [deployment(SERVER, { imagePullPolicy: "Always" })];
  const hook = {
    ...objects[0],
    metadata: { name: "hook", annotations: { "helm.sh/hook": "pre-install" } },
  };

  it("that need a registry are patched, and reported", async () => {
    const { input, notes } = await installWith({ objects });

    expect(input?.isPatched).toBe(true);
    expect(notes.join()).toContain("Deployment app");
  });

  it("are refused when patching is disabled, and in hooks with helm 3, which cannot patch them", async () => {
    expectRefused(await installWith({ objects }, { isPatching: false }), { code: "pull-policy" });
    expectRefused(await installWith({ objects: [hook], patchesHooks: false }), {
      code: "pull-policy",
      subject: "Deployment hook",
    });
    expect((await installWith({ objects: [hook] })).input?.isPatched).toBe(true);
  });
});

describe("images on nodes", () => {
  it("are missing when a node of the target lacks them, or has others by the same name", async () => {
    const nodes = [nodeObject("n1", []), nodeObject("n2", [])];
    const scene = { nodes };
    const full = nodeWith("n1", namesOf(image));

    expectRefused(await installWith(scene, { target: target(full, nodeWith("n2", new Map())) }), {
      code: "image-missing",
      subject: SERVER,
      message: expect.stringContaining("n2") as string,
    });
    const other = nodeWith("n2", new Map([[SERVER, imageOf(OTHER).digest]]));
    expectRefused(await installWith(scene, { target: target(full, other) }), { subject: SERVER });
    const both = target(full, nodeWith("n2", namesOf(image)));
    expect((await installWith(scene, { target: both })).report?.outcome).toBe("installed");
  });

  it("are missing when a node outside the target does not list them", async () => {
    vi.useFakeTimers();
    const some = { target: target(nodeWith("n1", namesOf(image))) };
    const outside = (images: readonly string[]) => ({
      nodes: [nodeObject("n1", []), nodeObject("n2", images, { spec: { unschedulable: true } })],
    });
    const lacking = installWith(outside([]), some);
    await vi.advanceTimersByTimeAsync(120_000);

    expectRefused(await lacking, {
      code: "image-missing",
      message: expect.stringMatching(/n2/) as string,
      hint: expect.stringContaining("n2") as string,
    });
    expect((await installWith(outside([SERVER]), some)).report?.outcome).toBe("installed");
  });

  it("are awaited when the cluster may list them soon", async () => {
    vi.useFakeTimers();
    const images: { names: readonly string[] }[] = [];
    const nodes = [nodeObject("n1", [], { status: { images } })];
    const installing = installWith({ nodes });
    await vi.advanceTimersByTimeAsync(10_000);
    images.push({ names: [SERVER] });
    await vi.advanceTimersByTimeAsync(10_000);

    expect((await installing).report?.outcome).toBe("installed");
  });

  it("are refused when a node lists so many images that there may be more", async () => {
    const many = Array.from({ length: 50 }, (_, index) => `docker.io/many/of:${index}`);
    const scene = { nodes: [nodeObject("n1", many)] };
    vi.useFakeTimers();
    const installing = installWith(scene);
    await vi.advanceTimersByTimeAsync(120_000);

    expectRefused(await installing, {
      code: "image-missing",
      subject: SERVER,
      hint: expect.stringMatching(/--to.*--allow-missing docker\.io\/a\/server:1/) as string,
    });
    expect((await installWith(scene, { allowedMissing: ["a/server:1"] })).report?.outcome).toBe("installed");
    const listed = { nodes: [nodeObject("n1", [...many, SERVER])] };
    expect((await installWith(listed)).report?.outcome).toBe("installed");
  });

  it("may be missing when the user allows it, with any spelling", async () => {
    const scene = { objects: [deployment(SERVER), { ...deployment(OTHER), metadata: { name: "other" } }] };

    expectRefused(await installWith(scene), { code: "image-missing", subject: OTHER });
    const allowed = await installWith(scene, { allowedMissing: ["index.docker.io/a/other:1"] });
    expect(allowed.report?.outcome).toBe("installed");
  });

  it("are required although the spec excludes them, and the reason is reported", async () => {
    const refused = await installWith({
      images: [],
      nodes: [nodeObject("n1", [])],
      excluded: [{ reference: "a/server:1", reason: "it is on the nodes" }],
    });

    expectRefused(refused, {
      subject: SERVER,
      hint: expect.stringContaining("it is on the nodes") as string,
    });
  });

  it("are not looked up in another cluster than the target's", async () => {
    const { error, done } = await installWith({}, { target: target(nodeWith("n9", namesOf(image))) });

    expect(error).toMatchObject({ code: "CLUSTER_NOT_FOUND", subject: "ctx" });
    expect(done).toEqual([]);
  });

  it("are looked up on this machine when its host name or address is that of a node", async () => {
    const machine = (...hostNames: string[]) => ({
      target: target(nodeWith("k3s", namesOf(image), hostNames)),
    });
    const nodes = [
      nodeObject("server-1", [], {
        status: { addresses: [{ type: "InternalIP", address: "192.0.2.7" }] },
      }),
    ];

    for (const name of ["Server-1", "192.0.2.7"]) {
      expect((await installWith({ nodes }, machine("x", name))).report?.outcome).toBe("installed");
    }
    const { error } = await installWith({ nodes }, machine("other", "192.0.2.8"));
    expect(error).toMatchObject({ code: "CLUSTER_NOT_FOUND" });
    expect((error as ViolaError).message).toMatch(/server-1.*other, 192\.0\.2\.8/);
  });
});

describe("images in a registry that the nodes pull from", () => {
  const place = "pre/docker.io/a/server:1";

  it("are the only requirement, without nodes and pull policies", async () => {
    const scene = {
      nodes: [nodeObject("n1", [])],
      objects: [deployment(SERVER, { imagePullPolicy: "Always" })],
      alwaysPulls: true,
    };
    const { report, input, notes } = await installWith(scene, {
      registry: registryWith(new Map([[place, image.digest]])),
    });

    expect(report).toMatchObject({ outcome: "installed", refusals: [] });
    expect(input?.isPatched).toBe(false);
    expect(notes.filter((note) => /AlwaysPullImages|Deployment app/.test(note))).toHaveLength(2);
  });

  it("are missing when it lacks them, or has others by that name", async () => {
    expectRefused(await installWith({}, { registry: registryWith(new Map()) }), {
      code: "image-missing",
      subject: SERVER,
      hint: expect.stringContaining("registry://reg.lab:5000/pre") as string,
    });
    const other = new Map([[place, imageOf(OTHER).digest]]);
    expectRefused(await installWith({}, { registry: registryWith(other) }), { subject: SERVER });
  });

  it("may be the manifest that was pushed instead of a refused index", async () => {
    const content = new Map([[place, image.platforms[0]!.digest]]);

    expect((await installWith({}, { registry: registryWith(content) })).report?.outcome).toBe("installed");
  });

  it("are looked up by digest if they have one, and under their own name if it is in this registry", async () => {
    const pinned = `docker.io/a/server:1@${image.digest}`;
    const own = "reg.lab:5000/elsewhere/server:2";
    const objects = [deployment(pinned), { ...deployment(own), metadata: { name: "own" } }];
    const content = new Map([
      [`pre/docker.io/a/server@${image.digest}`, image.digest],
      ["elsewhere/server:2", imageOf(own).digest],
    ]);

    const { report } = await installWith({ objects }, { registry: registryWith(content) });

    expect(report).toMatchObject({ outcome: "installed", refusals: [] });
  });
});

describe("an existing release", () => {
  const now = (): Date => new Date();
  const longAgo = new Date("2024-01-01T00:00:00Z");

  it("is upgraded", async () => {
    const { input, done } = await installWith({ state: { revision: 3, status: "deployed", since: now() } });

    expect(input?.isFirst).toBe(false);
    expect(done).toEqual(["install app"]);
  });

  it.each([
    { status: "failed", since: now() },
    { status: "pending-install", since: longAgo },
  ])("is installed again when its first installation failed: $status", async (state) => {
    const { input, done } = await installWith({ state: { revision: 1, ...state } });

    expect(done).toEqual(["uninstall app", "install app"]);
    expect(input?.isFirst).toBe(true);
  });

  it.each([
    { revision: 1, status: "pending-install", since: now() },
    { revision: 1, status: "pending-install", since: undefined },
    { revision: 2, status: "pending-upgrade", since: longAgo },
    { revision: 2, status: "uninstalling", since: longAgo },
  ])("is not changed while another helm may be running: $status of revision $revision", async (state) => {
    const { error, done } = await installWith({ state });

    expect(error).toMatchObject({ code: "INSTALL_FAILED", subject: "app" });
    expect((error as ViolaError).hint).toContain("--namespace apps");
    expect(done).toEqual([]);
  });

  it("is not started while another release of the bundle is busy", async () => {
    const busy = { revision: 2, status: "pending-upgrade", since: now() };
    const { error, done } = await installWith({ others: { second: busy } });

    expect(error).toMatchObject({ code: "INSTALL_FAILED", subject: "second" });
    expect(done).toEqual([]);
  });

  it("is not installed again when a later revision failed", async () => {
    const { done } = await installWith({ state: { revision: 2, status: "failed", since: longAgo } });

    expect(done).toEqual(["install app"]);
  });
});

it("reports the error of helm, and what the Pods of hooks lack", async () => {
  const pod = (name: string, owner: string): Json => ({
    kind: "Pod",
    metadata: { name, ownerReferences: [{ kind: owner, uid: name }] },
    status: { phase: "Failed", reason: "Evicted" },
  });
  const { report } = await installWith({
    helm: () => Promise.reject(new ViolaError("INSTALL_FAILED", "pre-install hooks failed")),
    workloads: () => Promise.resolve([pod("hook", "Job"), pod("server", "ReplicaSet")]),
  });

  expect(report).toMatchObject({
    outcome: "failed",
    releases: [{ outcome: "failed", message: "pre-install hooks failed", pending: [{ name: "hook" }] }],
  });
});

function running(name: string): Json {
  return {
    spec: { containers: [{ name: "c", image: name }] },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  };
}
