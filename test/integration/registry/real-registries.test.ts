// The registry client with docker-registry processes: open, TLS with password, bearer tokens;
// mirrors; the kinds of real images.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeImage, type MadeImage } from "../../../scripts/parts/images.js";
import { blobPath } from "../../../scripts/parts/layers.js";
import { pushImage } from "../../../scripts/parts/push.js";
import { streamBlob } from "../../../src/adapters/blobs/stream-blob.js";
import { RegistryClient } from "../../../src/adapters/registry/client.js";
import { RegistrySource } from "../../../src/adapters/registry/registry-source.js";
import { defaultSettings, type Settings } from "../../../src/adapters/files/user-settings.js";
import type { ResolvedImage } from "../../../src/core/images/resolved-image.js";
import { parsePlatform } from "../../../src/core/oci/platform.js";
import { startDockerRegistry, type DockerRegistry } from "../../support/docker-registry.js";
import { imageUse } from "../../support/image-use.js";
import { needs } from "../../support/parts.js";

const describe = await needs("docker-registry");

const signal = new AbortController().signal;
const amd64 = parsePlatform("linux/amd64");
const arm64 = parsePlatform("linux/arm64");

interface Setup {
  readonly settings?: Partial<Settings>;
  readonly env?: Record<string, string>;
}

function login({ host, user, password }: DockerRegistry): Record<string, string> {
  const auth = Buffer.from(`${user}:${password}`).toString("base64");
  return { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [host]: { auth } } }) };
}

async function resolve(reference: string, setup: Setup = {}, platforms = [amd64]): Promise<ResolvedImage> {
  const settings = { ...defaultSettings(), ...setup.settings };
  const client = new RegistryClient({ settings, env: setup.env ?? {}, home: "/nowhere", firstDelayMs: 1 });
  try {
    return await new RegistrySource(client).resolveImage(imageUse(reference), platforms, signal);
  } finally {
    await client.close();
  }
}

describe("docker-registry", () => {
  let folder: string;
  let oci: MadeImage;
  let docker: MadeImage;
  let single: MadeImage;
  const registries: DockerRegistry[] = [];

  const start = async (...options: Parameters<typeof startDockerRegistry>): Promise<DockerRegistry> => {
    const registry = await startDockerRegistry(...options);
    registries.push(registry);
    return registry;
  };
  const push = async (registry: DockerRegistry, image: MadeImage, repository: string): Promise<void> => {
    const target = {
      url: registry.url,
      login: `${registry.user}:${registry.password}`,
      ...(registry.ca && { ca: registry.ca.pem }),
    };
    await pushImage(target, folder, image, repository, "1");
  };

  /** Streams the first layer of the image. */
  const stream = async (registry: DockerRegistry, repository: string, setup: Setup = {}): Promise<Buffer> => {
    const settings = { ...defaultSettings(), ...setup.settings };
    const client = new RegistryClient({ settings, env: setup.env ?? {}, home: "/nowhere", firstDelayMs: 1 });
    const source = { kind: "registry", registry: registry.host, repository } as const;
    try {
      const descriptor = oci.platforms[0]!.layers[0]!;
      return await buffer(streamBlob({ descriptor, source, image: "test" }, client, signal));
    } finally {
      await client.close();
    }
  };
  const layerOf = (image: MadeImage): Buffer =>
    readFileSync(blobPath(folder, image.platforms[0]!.layers[0]!.digest));

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "viola-images-"));
    oci = makeImage(folder, { seed: "oci", mediaTypes: "oci", layers: [20_000, 5_000] });
    docker = makeImage(folder, { seed: "docker", mediaTypes: "docker", layers: [20_000] });
    single = makeImage(folder, { seed: "single", mediaTypes: "oci", layers: [20_000], index: false });
  });

  afterAll(async () => {
    await Promise.all(registries.map((registry) => registry.stop()));
    rmSync(folder, { recursive: true });
  });

  describe("open, over plain HTTP", () => {
    let registry: DockerRegistry;
    beforeAll(async () => {
      registry = await start("open");
      await push(registry, oci, "app/oci");
      await push(registry, docker, "app/docker");
      await push(registry, single, "app/single");
      await push(registry, oci, "live/quay.io/app/oci");
    });

    it("resolves an OCI index by tag, with the bytes of every child manifest", async () => {
      const image = await resolve(`${registry.host}/app/oci:1`, {}, [amd64, arm64]);

      expect(image.root.digest).toBe(oci.root.digest);
      expect(image.names).toEqual([`${registry.host}/app/oci:1`]);
      expect(image.manifests.map(({ digest }) => digest)).toEqual([
        oci.root.digest,
        ...oci.children.map(({ digest }) => digest),
      ]);
      for (const { digest, bytes } of image.manifests) {
        expect(Buffer.compare(bytes, readFileSync(blobPath(folder, digest)))).toBe(0);
      }
      expect(image.platforms.map(({ manifest, config, layers }) => ({ manifest, config, layers }))).toEqual(
        oci.platforms.map(({ manifest, config, layers }) => ({ manifest, config, layers })),
      );
      expect([...image.sources.keys()].sort()).toEqual(
        oci.platforms.flatMap(({ config, layers }) => [config, ...layers].map(({ digest }) => digest)).sort(),
      );
      expect(image.rebuilt).toBe(false);
    });

    it("resolves a Docker manifest list", async () => {
      const image = await resolve(`${registry.host}/app/docker:1`, {}, [arm64]);

      expect(image.root).toEqual(docker.root);
      expect(image.platforms.map(({ manifest }) => manifest.digest)).toEqual([
        docker.platforms[1]!.manifest.digest,
      ]);
    });

    it("reads the platform of a single manifest from its config", async () => {
      const image = await resolve(`${registry.host}/app/single:1`);

      expect(image.platforms).toMatchObject([{ platform: amd64, manifest: single.root }]);
      await expect(resolve(`${registry.host}/app/single:1`, {}, [arm64])).rejects.toMatchObject({
        code: "IMAGE_PLATFORM_MISSING",
      });
    });

    it("resolves by digest, which is the only name that the kubelet uses", async () => {
      const name = `${registry.host}/app/oci:9@${oci.root.digest}`;
      const image = await resolve(name);

      expect(image.root.digest).toBe(oci.root.digest);
      expect(image.names).toEqual([`${registry.host}/app/oci@${oci.root.digest}`]);
    });

    it("distinguishes a missing tag from a missing registry", async () => {
      await expect(resolve(`${registry.host}/app/oci:2`)).rejects.toMatchObject({
        code: "IMAGE_NOT_FOUND",
        subject: `${registry.host}/app/oci:2`,
      });
      await expect(resolve("127.0.0.1:1/app/oci:2")).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
    });

    it("requests content from a mirror under its path, with {registry} replaced", async () => {
      const mirrors = new Map([["*", { endpoints: [`${registry.url}/live/{registry}`], only: true }]]);
      const image = await resolve("quay.io/app/oci:1", { settings: { mirrors } });

      expect(image.root.digest).toBe(oci.root.digest);
      expect([...image.sources.values()][0]).toEqual({
        kind: "registry",
        registry: "quay.io",
        repository: "app/oci",
      });
    });

    it("reports the response of every mirror when none has the image", async () => {
      const endpoints = [`${registry.url}/empty`, "http://127.0.0.1:1", `${registry.url}/live/{registry}`];
      const mirrors = new Map([["quay.io", { endpoints, only: true }]]);

      const failure = resolve("quay.io/app/other:1", { settings: { mirrors } });

      await expect(failure).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
      await expect(failure).rejects.toThrow(/404.*ECONNREFUSED.*404/);
    });

    it("tries the next mirror", async () => {
      const endpoints = [`${registry.url}/empty`, "http://127.0.0.1:1", `${registry.url}/live/{registry}`];
      const mirrors = new Map([["quay.io", { endpoints, only: true }]]);

      const image = await resolve("quay.io/app/oci:1", { settings: { mirrors } });

      expect(image.root.digest).toBe(oci.root.digest);
    });

    it("reads only the end of a blob", async () => {
      const client = new RegistryClient({ settings: defaultSettings(), env: {}, home: "/nowhere" });
      const layer = oci.platforms[0]!.layers[0]!;
      const repository = { registry: registry.host, repository: "app/oci" };

      const tail = await client.pull.readBlobTail(repository, layer, 4, signal);
      await client.close();

      expect(Buffer.from(tail!)).toEqual(readFileSync(blobPath(folder, layer.digest)).subarray(-4));
    });

    it("streams a blob", async () => {
      expect(await stream(registry, "app/oci")).toEqual(layerOf(oci));
    });
  });

  describe("TLS with a password", () => {
    let registry: DockerRegistry;
    let ca: Settings["ca"];
    beforeAll(async () => {
      registry = await start("tls-password");
      ca = [registry.ca!];
      await push(registry, oci, "app/oci");
    });

    it("resolves with the certificate and the password", async () => {
      const image = await resolve(`${registry.host}/app/oci:1`, { settings: { ca }, env: login(registry) });

      expect(image.root.digest).toBe(oci.root.digest);
    });

    it("resolves without a certificate when the host is insecure in the settings", async () => {
      const insecure = new Set([registry.host]);

      const image = await resolve(`${registry.host}/app/oci:1`, {
        settings: { insecure },
        env: login(registry),
      });

      expect(image.root.digest).toBe(oci.root.digest);
    });

    it("does not trust an unknown certificate", async () => {
      const mirrors = new Map([["example.test", { endpoints: [registry.url], only: true }]]);

      const failure = resolve("example.test/app/oci:1", { settings: { mirrors }, env: login(registry) });

      await expect(failure).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
    });

    it("reports that no credentials were sent, or that they were refused", async () => {
      const wrong = login({ ...registry, password: "wrong secret" });

      const without = resolve(`${registry.host}/app/oci:1`, { settings: { ca } });
      await expect(without).rejects.toMatchObject({
        code: "REGISTRY_AUTH",
        hint: expect.stringMatching(/no credentials/) as unknown,
      });
      const refused = resolve(`${registry.host}/app/oci:1`, { settings: { ca }, env: wrong });
      await expect(refused).rejects.toMatchObject({
        code: "REGISTRY_AUTH",
        hint: expect.stringMatching(/DOCKER_AUTH_CONFIG/) as unknown,
      });
      await expect(refused).rejects.not.toThrow(/wrong secret/);
    });

    it("does not send a registry's credentials to its mirror", async () => {
      const mirrors = new Map([["example.test", { endpoints: [registry.url], only: true }]]);
      const env = login({ ...registry, host: "example.test" });

      const failure = resolve("example.test/app/oci:1", { settings: { ca, mirrors }, env });

      await expect(failure).rejects.toMatchObject({ code: "REGISTRY_AUTH" });
    });

    it("streams a blob with password and certificate", async () => {
      expect(await stream(registry, "app/oci", { settings: { ca }, env: login(registry) })).toEqual(
        layerOf(oci),
      );
    });
  });

  describe("bearer tokens", () => {
    let registry: DockerRegistry;
    beforeAll(async () => {
      registry = await start("bearer");
      // Both registries have the same storage, so content pushed to the open one is in the
      // protected one.
      const open = await start("open", registry.storage);
      await push(open, oci, "private/oci");
      await push(open, docker, "public/docker");
    });

    it("reports REGISTRY_AUTH for an anonymous pull of a private repository", async () => {
      await expect(resolve(`${registry.host}/private/oci:1`)).rejects.toMatchObject({
        code: "REGISTRY_AUTH",
      });
    });

    it("pulls a public repository with an anonymous token", async () => {
      const image = await resolve(`${registry.host}/public/docker:1`);

      expect(image.root).toEqual(docker.root);
    });

    it("pulls a private repository with a token for the user", async () => {
      const image = await resolve(`${registry.host}/private/oci:1`, { env: login(registry) });

      expect(image.root.digest).toBe(oci.root.digest);
    });

    it("streams a blob with a token", async () => {
      expect(await stream(registry, "private/oci", { env: login(registry) })).toEqual(layerOf(oci));
      await expect(stream(registry, "private/oci")).rejects.toMatchObject({ code: "REGISTRY_AUTH" });
    });
  });
});
