// The settings for nodes, in use: programs with only these settings pull every name of a bundle.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { mirrorSettings, type MirrorPlace } from "../../../src/core/load/mirror-settings.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { startContainerd, type Containerd } from "../../support/containerd.js";
import {
  startDockerRegistry,
  type DockerRegistry,
  type RegistryDoor,
} from "../../support/docker-registry.js";
import { needs } from "../../support/parts.js";
import { run } from "../../support/run.js";
import { bundleOf } from "../../support/bundle-of.js";
import { pushTo } from "./push-to.js";

const describe = await needs("docker-registry", "ctr", "root");
const describeSkopeo = await needs("docker-registry", "skopeo");

const PREFIX = "viola/airgap";
const REGISTRIES = ["docker.io", "quay.io", "registry.k8s.io", "lab.example:5000"];
const folder = mkdtempSync(join(tmpdir(), "viola-mirror-"));
const registries: DockerRegistry[] = [];
let bundle: OpenBundle;

beforeAll(async () => {
  bundle = await bundleOf(folder, "mirrored", [
    { reference: "quay.io/prometheus/prometheus:v2.55.1", seed: "p", mediaTypes: "oci", layers: [20_000] },
    { reference: "busybox:1.36@DIGEST", seed: "b", mediaTypes: "docker", layers: [5_000] },
    { reference: "registry.k8s.io/pinned@DIGEST", seed: "q", mediaTypes: "oci", layers: [5_000] },
    { reference: "lab.example:5000/single:v1", seed: "s", mediaTypes: "docker", index: false, layers: [900] },
  ]);
});
afterAll(async () => {
  await Promise.all(registries.map((registry) => registry.stop()));
  rmSync(folder, { recursive: true });
});

/** Pushes the bundle to a new registry, writes its settings, and returns their folder. */
async function pushed(door: RegistryDoor): Promise<{ registry: DockerRegistry; settings: string }> {
  const registry = await startDockerRegistry(door);
  registries.push(registry);
  const auth = Buffer.from(`${registry.user}:${registry.password}`).toString("base64");
  await pushTo(registry.host, bundle, {
    prefix: PREFIX,
    env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [registry.host]: { auth } } }) },
    ...(registry.ca && { settings: { ca: [registry.ca] } }),
  });
  const settings = mkdtempSync(join(folder, "settings-"));
  const place: MirrorPlace = {
    origin: registry.url,
    prefix: PREFIX,
    skipVerify: false,
    answersDockerd: false,
    ...(registry.ca && { ca: registry.ca.pem }),
  };
  for (const { path, bytes } of mirrorSettings(REGISTRIES, place)) {
    mkdirSync(dirname(join(settings, path)), { recursive: true });
    writeFileSync(join(settings, path), bytes);
  }
  return { registry, settings };
}

describe("containerd with hosts.toml", () => {
  let containerd: Containerd;
  beforeAll(async () => {
    containerd = await startContainerd();
  });
  afterAll(() => containerd.stop());

  it.each(["open", "tls-password"] as const)("pulls every name from a registry: %s", async (door) => {
    const { registry, settings } = await pushed(door);
    const before = await containerd.images();
    expect([...before.keys()].filter((name) => !name.startsWith("sha256:"))).toEqual([]);
    for (const name of bundle.inventory.images.flatMap(({ names }) => names)) {
      const login = door === "open" ? [] : ["--user", `${registry.user}:${registry.password}`];
      const pulled = await containerd.pull(name, join(settings, "containerd"), ...login);
      expect(pulled, `${name}: ${pulled.stderr}`).toMatchObject({ code: 0 });
    }
    const images = await containerd.images();
    for (const { names, digest } of bundle.inventory.images) {
      for (const name of names) expect(images.get(name), name).toBe(digest);
    }
    await containerd.ctr("images", "rm", "--sync", ...images.keys());
  });
});

describe("the CRI of containerd", () => {
  it("pulls every name from a registry with only the folder of hosts.toml files", async () => {
    const { settings } = await pushed("open");
    const containerd = await startContainerd(join(settings, "containerd"));
    try {
      const names = bundle.inventory.images.flatMap((image) => image.names);
      for (const name of names) await containerd.pullByCri(name);
      const images = await containerd.images();
      for (const { names: own, digest } of bundle.inventory.images) {
        for (const name of own) expect(images.get(name), name).toBe(digest);
      }
      await expect(containerd.pullByCri("quay.io/prometheus/prometheus:v9")).rejects.toThrow();
    } finally {
      await containerd.stop();
    }
  });
});

describeSkopeo("podman's and CRI-O's registries.conf", () => {
  it("pulls every name from the registry", async () => {
    const { settings } = await pushed("open");
    for (const name of bundle.inventory.images.flatMap(({ names }) => names)) {
      const target = `dir:${mkdtempSync(join(folder, "copy-"))}`;
      const conf = ["--registries-conf", join(settings, "containers/viola-airgap.conf")];
      const platform = ["--override-os=linux", "--override-arch=amd64"];
      const copied = await run("skopeo", [...conf, ...platform, "copy", `docker://${name}`, target]);
      expect(copied, `${name}: ${copied.stderr}`).toMatchObject({ code: 0 });
    }
  });
});
