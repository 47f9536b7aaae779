// What `build --with` takes.
import { describe, expect, it } from "vitest";
import { parseIncludes } from "../../../../src/cli/wiring/including.js";

const HEX = "0123456789abcdef".repeat(4);

describe("parseWishes", () => {
  it("reads what may be repeated and what may stand with commas between", () => {
    const { requests, hostImages } = parseIncludes(
      [
        "cli,node",
        `helm=https://example.org/a,b/helm.tar.gz#sha256:${HEX},kubectl=./k,1`,
        "kind-node-image=kindest/node:v1.30.2",
      ],
      "/srv",
    );

    expect(requests).toEqual([
      { name: "cli" },
      { name: "node" },
      { name: "helm", source: { kind: "url", url: "https://example.org/a,b/helm.tar.gz", sha256: HEX } },
      { name: "kubectl", source: { kind: "file", file: "/srv/k,1" } },
    ]);
    expect(hostImages).toEqual(["kindest/node:v1.30.2"]);
  });

  it("takes the last word on a program", () => {
    expect(parseIncludes(["node", "node=/opt/node"], "/").requests).toEqual([
      { name: "node", source: { kind: "file", file: "/opt/node" } },
    ]);
  });

  it.each([
    "",
    "nodes",
    "cli=/x",
    "helm=",
    "kind-node-image",
    "node=https://example.org/node",
    `node=https://example.org/node#sha256:${HEX}0`,
  ])("refuses %j", (text) => {
    expect(() => parseIncludes([text], "/")).toThrow(expect.objectContaining({ code: "USAGE" }) as Error);
  });

  it("refuses an image that is no reference", () => {
    expect(() => parseIncludes(["kind-node-image=No Image"], "/")).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID" }) as Error,
    );
  });
});
