// Settings for nodes. ../../../integration/push tests them with real programs.
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { mirrorSettings, type MirrorPlace } from "../../../../src/core/load/mirror-settings.js";
import { registryFolder } from "../../../../src/core/load/registry-layout.js";

const place: MirrorPlace = {
  origin: "https://registry.lab:5000",
  prefix: "viola",
  skipVerify: false,
  answersDockerd: false,
};
const files = (change: Partial<MirrorPlace> = {}): ReadonlyMap<string, string> =>
  new Map(
    mirrorSettings(["docker.io", "quay.io"], { ...place, ...change }).map(({ path, bytes }) => [
      path,
      Buffer.from(bytes).toString(),
    ]),
  );

describe("k3s", () => {
  // https://docs.k3s.io/installation/private-registry documents the keys and the rewrites, which
  // are regular expressions with $1.
  it("rewrites repositories to prefix and registry, and refers to the CA file", () => {
    expect(parse(files({ ca: "PEM" }).get("k3s/registries.yaml") ?? "")).toEqual({
      mirrors: {
        "docker.io": { endpoint: [place.origin], rewrite: { "^(.*)$": "viola/docker.io/$1" } },
        "quay.io": { endpoint: [place.origin], rewrite: { "^(.*)$": "viola/quay.io/$1" } },
      },
      configs: { "registry.lab:5000": { tls: { ca_file: "/etc/rancher/k3s/ca.crt" } } },
    });
  });
});

describe("dockerd", () => {
  it("gets a mirror only if it can use it", () => {
    expect(parse(files().get("docker/daemon.json") ?? "")).toEqual({});
    const open = files({ origin: "http://10.0.0.1:5000", prefix: "", answersDockerd: true });
    expect(parse(open.get("docker/daemon.json") ?? "")).toEqual({
      "insecure-registries": ["10.0.0.1:5000"],
      "registry-mirrors": ["http://10.0.0.1:5000"],
    });
  });
});

describe("containerd", () => {
  it("gets the CA file next to each hosts.toml", () => {
    const all = files({ ca: "PEM" });
    expect(all.get("containerd/quay.io/ca.crt")).toBe("PEM");
    expect(all.get("containerd/quay.io/hosts.toml")).toContain('ca = "ca.crt"');
    expect(files().has("containerd/quay.io/ca.crt")).toBe(false);
  });
});

describe("registryFolder", () => {
  it.each([
    ["quay.io", "quay.io"],
    ["Registry.Lab:5000", "registry.lab_5000"],
    ["[::1]:5000", "1_5000"],
  ])("converts %s to a path component: %s", (registry, folder) => {
    expect(registryFolder(registry)).toBe(folder);
    expect(folder).toMatch(/^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/);
  });
});
