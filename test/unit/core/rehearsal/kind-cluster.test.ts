// The configuration of a cluster that is made for a rehearsal.
import { expect, it } from "vitest";
import { parse } from "yaml";
import { kindConfig } from "../../../../src/core/rehearsal/kind-cluster.js";

interface Config {
  readonly name: string;
  readonly nodes: readonly { readonly role: string; readonly image?: string }[];
  readonly containerdConfigPatches: readonly string[];
}
const configOf = (...args: Parameters<typeof kindConfig>): Config => parse(kindConfig(...args)) as Config;

it("has three workers of the bundle's Kubernetes, and containerd reads mirrors from a folder", () => {
  const { name, nodes, containerdConfigPatches } = configOf("rehearsal", "1.30.2");

  expect(name).toBe("rehearsal");
  expect(nodes.map(({ role }) => role)).toEqual(["control-plane", "worker", "worker", "worker"]);
  expect(nodes[3]?.image).toBe("kindest/node:v1.30.2");
  expect(containerdConfigPatches).toEqual([expect.stringContaining("/etc/containerd/certs.d")]);
});

it("leaves the image to kind where the version is not known whole", () => {
  expect(configOf("rehearsal", undefined).nodes[0]).toEqual({ role: "control-plane" });
  expect(configOf("rehearsal", "v1.30").nodes[0]).toEqual({ role: "control-plane" });
});

it("is the user's own under another name, its patches kept", () => {
  const own =
    "kind: Cluster\nname: mine\nnodes: [{ role: control-plane }]\ncontainerdConfigPatches: [first]\n";
  expect(configOf("rehearsal", "v1.30.2", own)).toMatchObject({
    name: "rehearsal",
    nodes: [{ role: "control-plane" }],
    containerdConfigPatches: ["first", expect.any(String)],
  });
});

it.each(["", "kind: Pod", "nodes: [", "- a"])("refuses %j", (own) => {
  expect(() => kindConfig("rehearsal", undefined, own)).toThrow(expect.objectContaining({ code: "USAGE" }));
});
