// The configuration of a cluster for a rehearsal.
import { expect, it } from "vitest";
import { parse } from "yaml";
import { kindConfig } from "../../../../src/core/rehearsal/kind-cluster.js";

interface Config {
  readonly name: string;
  readonly nodes: readonly { readonly role: string; readonly image?: string }[];
  readonly containerdConfigPatches: readonly string[];
}
const configOf = (...args: Parameters<typeof kindConfig>): Config => parse(kindConfig(...args)) as Config;

it("has three workers with the bundle's Kubernetes version, and a mirror folder for containerd", () => {
  const { name, nodes, containerdConfigPatches } = configOf("rehearsal", "1.30.2");

  expect(name).toBe("rehearsal");
  expect(nodes.map(({ role }) => role)).toEqual(["control-plane", "worker", "worker", "worker"]);
  expect(nodes[3]?.image).toBe("kindest/node:v1.30.2");
  expect(containerdConfigPatches).toEqual([expect.stringContaining("/etc/containerd/certs.d")]);
});

it("uses the default image of kind when the version is incomplete", () => {
  expect(configOf("rehearsal", undefined).nodes[0]).toEqual({ role: "control-plane" });
  expect(configOf("rehearsal", "v1.30").nodes[0]).toEqual({ role: "control-plane" });
});

it("is the user's configuration under another name, with its patches", () => {
  const own =
    "kind: Cluster\nname: mine\nnodes: [{ role: control-plane }]\ncontainerdConfigPatches: [first]\n";
  expect(configOf("rehearsal", "v1.30.2", own)).toMatchObject({
    name: "rehearsal",
    nodes: [{ role: "control-plane" }],
    containerdConfigPatches: ["first", expect.any(String)],
  });
});

const UNUSABLE = [
  ...["", "kind: Pod", "nodes: [", "- a"],
  // An alias without an anchor, as a value and as a key.
  ...["kind: Cluster\nnodes: *a\n", "kind: Cluster\n*a : 1\n"],
];
it.each(UNUSABLE)("rejects %j", (own) => {
  expect(() => kindConfig("rehearsal", undefined, own)).toThrow(expect.objectContaining({ code: "USAGE" }));
});
