// References: parsed and spelled out as Docker and containerd do.
import { describe, expect, it } from "vitest";
import {
  findReference,
  formatReference,
  nodeNames,
  parseReference,
} from "../../../../src/core/images/reference.js";

const DIGEST = `sha256:${"ab".repeat(32)}`;

describe("parseReference", () => {
  it.each([
    ["busybox", "docker.io/library/busybox:latest"],
    ["busybox:1.36", "docker.io/library/busybox:1.36"],
    ["grafana/agent:v0.39.1", "docker.io/grafana/agent:v0.39.1"],
    ["index.docker.io/library/redis:7", "docker.io/library/redis:7"],
    ["docker.io/redis:7", "docker.io/library/redis:7"],
    ["quay.io/a/b/c/d:x", "quay.io/a/b/c/d:x"],
    ["localhost:5000/a/b:tag", "localhost:5000/a/b:tag"],
    ["localhost/a", "localhost/a:latest"],
    ["[::1]:5000/a:1", "[::1]:5000/a:1"],
    ["Upper/foo:1", "Upper/foo:1"],
    [`quay.io/a/b@${DIGEST}`, `quay.io/a/b@${DIGEST}`],
    [`redis:7@${DIGEST}`, `docker.io/library/redis:7@${DIGEST}`],
  ])("spells out %s", (text, expected) => {
    expect(formatReference(parseReference(text))).toBe(expected);
  });

  it.each([
    "",
    "UPPER",
    "a//b",
    "quay.io/",
    "a:b:c",
    "a@sha256:12",
    "http://a/b",
    "foo_bar.com/x",
    "-a",
    "a/b:.tag",
    "a b",
    "{{ x }}",
    "a".repeat(256),
  ])("refuses %j", (text) => {
    expect(findReference(text)).toBeUndefined();
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID", subject: text }),
    );
  });

  it("keeps tag and digest apart", () => {
    expect(parseReference(`a/b:1@${DIGEST}`)).toEqual({
      registry: "docker.io",
      repository: "a/b",
      tag: "1",
      digest: DIGEST,
    });
  });
});

describe("nodeNames", () => {
  it.each([
    ["redis:7", ["docker.io/library/redis:7"]],
    [`redis@${DIGEST}`, [`docker.io/library/redis@${DIGEST}`]],
    [`redis:7@${DIGEST}`, ["docker.io/library/redis:7", `docker.io/library/redis@${DIGEST}`]],
  ])("lists the names under which the kubelet looks for %s", (text, names) => {
    expect(nodeNames(parseReference(text))).toEqual(names);
  });
});
