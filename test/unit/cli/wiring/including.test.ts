// The values of `build --with`.
import { describe, expect, it } from "vitest";
import { parseIncludes } from "../../../../src/cli/wiring/including.js";

const HEX = "0123456789abcdef".repeat(4);

describe("parseIncludes", () => {
  it("parses repeated and comma-separated values", () => {
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

  it("uses the last value for a program", () => {
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
  ])("rejects %j", (text) => {
    expect(() => parseIncludes([text], "/")).toThrow(expect.objectContaining({ code: "USAGE" }) as Error);
  });

  it("rejects an invalid image reference", () => {
    expect(() => parseIncludes(["kind-node-image=No Image"], "/")).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID" }) as Error,
    );
  });
});
