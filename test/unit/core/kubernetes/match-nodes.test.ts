// Matches machines to Node objects.
import { expect, it } from "vitest";
import { matchNodes } from "../../../../src/core/kubernetes/match-nodes.js";

const object = (name: string, hostname = name, ...addresses: string[]) => ({
  metadata: { name, labels: { "kubernetes.io/hostname": hostname } },
  status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
});

it("matches a machine by its name, and returns the rest of both sides", () => {
  const [one, two] = [{ name: "n1" }, { name: "x" }];
  const matched = matchNodes([one, two], [object("n1"), object("n2")]);

  expect(matched).toEqual({ pairs: [{ machine: one, node: "n1" }], strangers: [two], others: ["n2"] });
});

it("matches a machine with host names by any of them, and not by the name in the target", () => {
  const machine = { name: "k3s", hostNames: ["Host", "192.0.2.7"] };
  const nodeOf = (...objects: ReturnType<typeof object>[]): string | undefined =>
    matchNodes([machine], objects).pairs[0]?.node;

  expect(nodeOf(object("k3s"), object("host"))).toBe("host");
  expect(nodeOf(object("k3s"), object("ip-7", "HOST"))).toBe("ip-7");
  expect(nodeOf(object("k3s"), object("a", "a", "192.0.2.7"))).toBe("a");
  expect(nodeOf(object("k3s"), object("a", "a", "192.0.2.70"))).toBeUndefined();
});

it("matches a machine to one node at most, even if two have the same host name", () => {
  const matched = matchNodes(
    [{ name: "k3s", hostNames: ["host"] }],
    [object("a", "host"), object("b", "host")],
  );

  expect(matched).toMatchObject({ pairs: [{ node: "a" }], others: ["b"] });
});

it("does not match an empty name", () => {
  const matched = matchNodes([{ name: "k3s", hostNames: [""] }], [object("a", ""), { metadata: {} }]);

  expect(matched.pairs).toEqual([]);
});
