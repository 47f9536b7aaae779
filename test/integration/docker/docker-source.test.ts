// Images that only a Docker engine has, and how `auto` uses them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { startEmbeddedRegistry } from "../../../scripts/parts/embedded-registry.js";
import { AutoSource } from "../../../src/adapters/docker/auto-source.js";
import { DockerEngine } from "../../../src/adapters/docker/engine.js";
import { DockerSource } from "../../../src/adapters/docker/docker-source.js";
import { findDockerEndpoint } from "../../../src/adapters/docker/endpoint.js";
import { RegistryClient } from "../../../src/adapters/registry/client.js";
import { RegistrySource } from "../../../src/adapters/registry/registry-source.js";
import { defaultSettings, type Settings } from "../../../src/adapters/files/user-settings.js";
import type { ResolvedImage } from "../../../src/core/images/resolved-image.js";
import { digestOf } from "../../../src/core/oci/digest.js";
import { parsePlatform } from "../../../src/core/oci/platform.js";
import { imageUse } from "../../support/image-use.js";
import { needs } from "../../support/parts.js";

const describe = await needs("docker");
const signal = new AbortController().signal;

describe("an image that only the engine has", () => {
  const tag = `viola-test-${process.pid}`;
  const reference = `127.0.0.1:1/${tag}:1`;
  let folder: string;
  let source: DockerSource;
  let platform: ReturnType<typeof parsePlatform>;
  let engine: DockerEngine;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "viola-docker-"));
    for (const name of ["one", "two"]) writeFileSync(join(folder, name), name.repeat(50_000));
    // The same file twice creates two equal layers, of which the engine saves one and a link.
    const lines = ["FROM scratch", "COPY one /one", "COPY two /two", "COPY one /one", 'CMD ["/one"]'];
    writeFileSync(join(folder, "Dockerfile"), lines.join("\n"));
    const options = { env: { ...process.env, DOCKER_BUILDKIT: "0" }, stdio: "ignore" as const };
    execFileSync("docker", ["build", "-t", reference, folder], options);
    const endpoint = await findDockerEndpoint({
      variables: process.env,
      homeDirectory: homedir(),
      os: process.platform,
    });
    engine = new DockerEngine(endpoint);
    source = new DockerSource(engine, folder);
    const { os, architecture } = (await engine.inspectImage(reference, signal))!;
    platform = { os, architecture };
  });

  afterAll(() => {
    execFileSync("docker", ["rmi", "-f", reference], { stdio: "ignore" });
    rmSync(folder, { recursive: true });
  });

  it("is converted to an OCI image with the blobs at the stated offsets", async () => {
    const image = await source.resolveImage(imageUse(reference), [platform], signal);

    expect(image).toMatchObject({ rebuilt: true, names: [reference], platforms: [{ platform }] });
    const [{ manifest, config, layers }] = image.platforms as [(typeof image.platforms)[number]];
    expect(manifest).toEqual(image.root);
    expect(digestOf(image.manifests[0]!.bytes)).toBe(image.root.digest);
    expect(layers).toHaveLength(3);
    for (const { digest, size } of [config, ...layers]) {
      const place = image.sources.get(digest);
      if (place?.kind !== "file") throw new Error(`${digest} is not in a file`);
      const bytes = readFileSync(place.file).subarray(place.offset, place.offset + size);
      expect(digestOf(bytes)).toBe(digest);
    }
  });

  it("has the same digests each time", async () => {
    const one = await source.resolveImage(imageUse(reference), [platform], signal);
    const other = await source.resolveImage(imageUse(reference), [platform], signal);

    expect(other.root).toEqual(one.root);
  });

  it("is missing for another platform", async () => {
    const other = parsePlatform("linux/s390x");

    await expect(source.resolveImage(imageUse(reference), [other], signal)).rejects.toMatchObject({
      code: "IMAGE_PLATFORM_MISSING",
      subject: reference,
    });
  });

  it("is missing under a digest", async () => {
    const image = await source.resolveImage(imageUse(reference), [platform], signal);
    const pinned = imageUse(`127.0.0.1:1/${tag}@${image.root.digest}`);

    await expect(source.resolveImage(pinned, [platform], signal)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
    });
  });

  const resolveAuto = async (settings: Partial<Settings>): Promise<ResolvedImage> => {
    const client = new RegistryClient({
      settings: { ...defaultSettings(), ...settings },
      env: {},
      home: folder,
      firstDelayMs: 1,
    });
    onTestFinished(() => client.close());
    const auto = new AutoSource(new RegistrySource(client), () => Promise.resolve(source));
    return await auto.resolveImage(imageUse(reference), [platform], signal);
  };

  it("is used by `auto` when every mirror reports that it does not exist", async () => {
    const registry = await startEmbeddedRegistry();
    onTestFinished(() => registry.close());
    const mirrors = new Map([["*", { endpoints: [registry.url], only: true }]]);

    expect(await resolveAuto({ mirrors })).toMatchObject({ rebuilt: true });
  });

  it("is not used by `auto` while its registry cannot be reached", async () => {
    await expect(resolveAuto({})).rejects.toMatchObject({ code: "REGISTRY_UNAVAILABLE" });
  });
});
