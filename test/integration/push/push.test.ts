// Pushes a bundle to real registries, and checks that all of its names can be pulled.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe as always, expect, it } from "vitest";
import { MANIFEST_MEDIA_TYPES } from "../../../src/core/oci/descriptor.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { startDockerRegistry, type DockerRegistry } from "../../support/docker-registry.js";
import { needs } from "../../support/parts.js";
import { run } from "../../support/run.js";
import { bundleOf } from "../../support/bundle-of.js";
import { pushTo, type PushSetup } from "./push-to.js";

const describe = await needs("docker-registry");
const describeSkopeo = await needs("docker-registry", "skopeo");

const BASE = { seed: "push base", bytes: 300_000 };
const folder = mkdtempSync(join(tmpdir(), "viola-push-"));
const registries: DockerRegistry[] = [];
let bundle: OpenBundle;

beforeAll(async () => {
  bundle = await bundleOf(folder, "pushed", [
    {
      reference: "quay.io/prometheus/prometheus:v2.55.1",
      seed: "p",
      mediaTypes: "oci",
      layers: [BASE, 200_000],
    },
    { reference: "grafana/loki:2.9.4", seed: "l", mediaTypes: "docker", layers: [BASE, 90_000] },
    { reference: "busybox:1.36@DIGEST", seed: "b", mediaTypes: "oci", layers: [50_000] },
    { reference: "registry.k8s.io/pinned@DIGEST", seed: "q", mediaTypes: "oci", layers: [BASE] },
    {
      reference: "lab.example:5000/single:v1",
      seed: "s",
      mediaTypes: "docker",
      index: false,
      layers: [BASE, 900],
    },
  ]);
});
afterAll(async () => {
  await Promise.all(registries.map((registry) => registry.stop()));
  rmSync(folder, { recursive: true });
});

const start = async (...options: Parameters<typeof startDockerRegistry>): Promise<DockerRegistry> => {
  const registry = await startDockerRegistry(...options);
  registries.push(registry);
  return registry;
};
const login = ({ host, user, password }: DockerRegistry): Record<string, string> => {
  const auth = Buffer.from(`${user}:${password}`).toString("base64");
  return { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [host]: { auth } } }) };
};
const setupOf = (registry: DockerRegistry): PushSetup => ({
  prefix: "viola/airgap",
  env: login(registry),
  ...(registry.ca && { settings: { ca: [registry.ca] } }),
});
const blobBytes = (): number => {
  const content = bundle.inventory.images.flatMap(({ platforms }) =>
    platforms.flatMap(({ config, layers }) => [config, ...layers]),
  );
  return [...new Map(content.map((blob) => [blob.digest, blob.size])).values()].reduce(
    (sum, size) => sum + size,
    0,
  );
};

describe.each(["open", "tls-password", "bearer"] as const)("docker-registry, %s", (door) => {
  it("gets every blob once, and nothing the second time", async () => {
    const registry = await start(door);
    const first = await pushTo(registry.host, bundle, setupOf(registry));
    expect(first.unresolved).toEqual([]);
    expect(first.names).toBe(6);
    const manifests = bundle.inventory.images.reduce(
      (sum, { manifests }) => sum + manifests.reduce((all, { size }) => all + size, 0),
      0,
    );
    expect(first.sentBytes).toBeGreaterThan(blobBytes());
    expect(first.sentBytes).toBeLessThanOrEqual(blobBytes() + 2 * manifests);
    // The base layer is uploaded once, and mounted in the other three repositories.
    expect(first.mountedBlobs).toBe(3);
    expect(first.images.map(({ digest }) => digest)).toEqual(
      bundle.inventory.images.map(({ digest }) => digest),
    );

    const second = await pushTo(registry.host, bundle, setupOf(registry));
    expect(second).toMatchObject({ sentBytes: 0, uploadedBlobs: 0, mountedBlobs: 0 });
    expect(second.presentBlobs).toBe(first.uploadedBlobs + first.mountedBlobs);
  });
});

describe("a registry that is a mirror of dockerd", () => {
  it("also has the images of Docker Hub without prefix, without additional blobs", async () => {
    const registry = await start("open");
    const first = await pushTo(registry.host, bundle, { prefix: "viola" });
    const second = await pushTo(registry.host, bundle, { prefix: "viola", forDockerd: true });
    expect(second).toMatchObject({ names: first.names, uploadedBlobs: 0 });
    const ask = async (repository: string, tag: string): Promise<number> => {
      const url = `${registry.url}/v2/${repository}/manifests/${tag}`;
      return (await fetch(url, { headers: { accept: MANIFEST_MEDIA_TYPES.join(", ") } })).status;
    };
    expect(await ask("library/busybox", "1.36")).toBe(200);
    expect(await ask("grafana/loki", "2.9.4")).toBe(200);
    expect(await ask("prometheus/prometheus", "v2.55.1")).toBe(404);
  });
});

describeSkopeo("what was pushed", () => {
  it("is copied completely by tag and by digest of the index, from a registry with tokens", async () => {
    const registry = await start("bearer");
    const { images } = await pushTo(registry.host, bundle, setupOf(registry));
    for (const { repository, tags, digest } of images) {
      for (const reference of [...tags.map((tag) => `:${tag}`), `@${digest}`]) {
        const target = `dir:${mkdtempSync(join(folder, "copy-"))}`;
        const copied = await run("skopeo", [
          "copy",
          "--override-arch=amd64",
          "--override-os=linux",
          "--src-tls-verify=false",
          `--src-creds=${registry.user}:${registry.password}`,
          `docker://${repository}${reference}`,
          target,
        ]);
        expect(copied, copied.stderr).toMatchObject({ code: 0 });
      }
    }
    expect(images.map(({ repository }) => repository)).toContain(
      `${registry.host}/viola/airgap/lab.example_5000/single`,
    );
  });
});

describe("a registry with a self-signed certificate", () => {
  it("is pushed to when it is insecure in the settings", async () => {
    const registry = await start("tls-password");
    const settings = { insecure: new Set([registry.host]) };
    const report = await pushTo(registry.host, bundle, { env: login(registry), settings });
    expect(report).toMatchObject({ registry: registry.url, unresolved: [] });
  });
});

describe("a registry that cannot be pushed to", () => {
  it("is reported once when the password is wrong", async () => {
    for (const door of ["tls-password", "bearer"] as const) {
      const registry = await start(door);
      const setup = { ...setupOf(registry), env: login({ ...registry, password: "wrong" }) };
      await expect(pushTo(registry.host, bundle, setup)).rejects.toMatchObject({
        code: "REGISTRY_AUTH",
        subject: registry.host,
      });
    }
  });

  it("is reported for every repository when anonymous users may only read", async () => {
    const registry = await start("bearer");
    await expect(pushTo(registry.host, bundle, { prefix: "public" })).rejects.toMatchObject({
      code: "MULTIPLE_ERRORS",
      errors: Array.from({ length: 5 }, () => expect.objectContaining({ code: "REGISTRY_AUTH" }) as unknown),
    });
  });

  it("is reported when it does not respond, and when its certificate is not trusted", async () => {
    await expect(pushTo("127.0.0.1:1", bundle)).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
    const registry = await start("tls-password");
    const error = await pushTo(registry.host, bundle, { env: login(registry) }).catch(
      (cause: unknown) => cause,
    );
    expect(error).toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
      hint: expect.stringContaining("ca") as unknown,
    });
    expect(String(error)).toMatch(/certificate/);
  });
});

always("a damaged bundle", () => {
  it("is refused before anything is sent", async () => {
    const copy = await bundleOf(mkdtempSync(join(folder, "damaged-")), "damaged", [
      { reference: "quay.io/a/b:1", seed: "a", mediaTypes: "oci", layers: [10_000] },
    ]);
    const layer = copy.inventory.images[0]!.platforms[0]!.layers[0]!;
    const { offset } = copy.inventory.blobs.find(({ digest }) => digest === layer.digest)!;
    const file = await open(copy.file, "r+");
    await file.write(createHash("sha256").digest(), 0, 8, offset);
    await file.close();
    const registry = await start("open");
    await expect(pushTo(registry.host, copy)).rejects.toMatchObject({ code: "BUNDLE_INVALID" });
    const catalog = (await (await fetch(`${registry.url}/v2/_catalog`)).json()) as { repositories: unknown };
    expect(catalog.repositories).toEqual([]);
  });
});
