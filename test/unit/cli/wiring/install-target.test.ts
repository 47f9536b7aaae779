// The kubeconfig context of a target.
import { expect, it } from "vitest";
import { findContextOf } from "../../../../src/cli/wiring/install-target.js";
import type { InstallTarget } from "../../../../src/cli/target.js";

/** Uses an engine that runs nodes of these clusters. */
async function contextOf(
  target: InstallTarget | undefined,
  ...clusters: string[]
): Promise<string | undefined> {
  const containers = clusters.map((cluster) => ({
    id: cluster,
    name: `${cluster}-control-plane`,
    state: "running",
    labels: { "io.x-k8s.kind.cluster": cluster },
  }));
  return findContextOf(target, {
    docker: () => Promise.resolve({ listContainers: () => Promise.resolve(containers) }),
    signal: new AbortController().signal,
  });
}

it("is that of the specified or default Kind cluster", async () => {
  expect(await contextOf({ kind: "kind", cluster: "viola" })).toBe("kind-viola");
  expect(await contextOf({ kind: "kind" }, "only")).toBe("kind-only");
  expect(await contextOf({ kind: "kind" }, "other", "kind")).toBe("kind-kind");
});

it("is absent when the cluster is ambiguous", async () => {
  await expect(contextOf({ kind: "kind" }, "one", "two")).rejects.toMatchObject({
    code: "CLUSTER_NOT_FOUND",
  });
});

it("is that of the kubeconfig for every other target", async () => {
  expect(await contextOf(undefined, "only")).toBeUndefined();
  expect(await contextOf({ kind: "k3s" }, "only")).toBeUndefined();
  expect(await contextOf({ kind: "registry", host: "reg.lab", prefix: "" }, "only")).toBeUndefined();
});
