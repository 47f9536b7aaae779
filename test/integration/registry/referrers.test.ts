// Signatures and other artifacts of images travel: from a real registry, in a bundle, to another one.
import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBundle } from "../../../src/adapters/bundle-file/open-bundle.js";
import { serveOpenly } from "../../../src/adapters/bundle-registry/server.js";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/core/oci/descriptor.js";
import { startDockerRegistry, type DockerRegistry } from "../../support/docker-registry.js";
import { bundleOf } from "../../support/bundle-of.js";
import { runCli } from "../../support/cli.js";
import { needs } from "../../support/parts.js";
import { pushTo } from "../push/push-to.js";

const folder = mkdtempSync(join(tmpdir(), "viola-referrers-"));
const at = (name: string): string => join(folder, name);
const sha256 = (bytes: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const pem = (key: KeyObject): string => key.export({ type: "spki", format: "pem" }).toString();

/** Stores a manifest with these layers and returns its digest and size. */
async function putArtifact(
  repository: string,
  tag: string | undefined,
  fields: object,
  layers: readonly { readonly content: string; readonly annotations?: object }[],
): Promise<{ readonly mediaType: string; readonly digest: string; readonly size: number }> {
  const put = async (content: string, mediaType: string) => {
    const upload = await fetch(`${repository}/blobs/uploads/`, { method: "POST" });
    const url = new URL(upload.headers.get("location") ?? "", repository);
    url.searchParams.set("digest", sha256(content));
    expect((await fetch(url, { method: "PUT", body: content })).status).toBe(201);
    return { mediaType, digest: sha256(content), size: content.length };
  };
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: await put("{}", "application/vnd.oci.image.config.v1+json"),
    layers: await Promise.all(
      layers.map(async ({ content, annotations }) => ({
        ...(await put(content, "application/vnd.dev.cosign.simplesigning.v1+json")),
        ...(annotations && { annotations }),
      })),
    ),
    ...fields,
  });
  return putManifest(repository, tag ?? sha256(manifest), manifest, OCI_MANIFEST);
}

async function putManifest(repository: string, reference: string, body: string, mediaType: string) {
  const headers = { "content-type": mediaType };
  const stored = await fetch(`${repository}/manifests/${reference}`, { method: "PUT", headers, body });
  expect(stored.status).toBe(201);
  return { mediaType, digest: sha256(body), size: body.length };
}

async function digestAt(repository: string, reference: string): Promise<string | undefined> {
  const headers = { accept: `${OCI_MANIFEST}, ${OCI_INDEX}` };
  const answer = await fetch(`${repository}/manifests/${reference}`, { headers });
  return answer.status === 200 ? sha256(await answer.text()) : undefined;
}

(await needs("docker-registry"))("artifacts of images", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  let source: DockerRegistry;
  let target: DockerRegistry;
  let image = "";
  let signature = { mediaType: "", digest: "", size: 0 };
  let report = { mediaType: "", digest: "", size: 0 };
  const tagOf = (digest: string): string => digest.replace(":", "-");
  const build = (output: string, ...flags: readonly string[]) =>
    runCli(
      [
        "build",
        at("spec.yaml"),
        "-o",
        at(output),
        "--platform",
        "linux/amd64",
        "--config",
        at("config.yaml"),
        "--json",
        ...flags,
      ],
      { env: { XDG_CACHE_HOME: folder } },
    );

  beforeAll(async () => {
    [source, target] = await Promise.all([startDockerRegistry("open"), startDockerRegistry("open")]);
    const plain = await bundleOf(folder, "plain", [
      { reference: "quay.io/org/app:1", seed: "signed", mediaTypes: "oci", layers: [3000] },
      { reference: "quay.io/org/other:1", seed: "unsigned", mediaTypes: "oci", layers: [3000] },
    ]);
    await pushTo(source.host, plain);
    image = plain.inventory.images.find(({ normalized }) => normalized.includes("app"))?.digest ?? "";
    const repository = `${source.url}/v2/quay.io/org/app`;
    const statement = JSON.stringify({ critical: { image: { "docker-manifest-digest": image } } });
    signature = await putArtifact(repository, `${tagOf(image)}.sig`, {}, [
      {
        content: statement,
        annotations: {
          "dev.cosignproject.cosign/signature": sign("sha256", Buffer.from(statement), privateKey).toString(
            "base64",
          ),
        },
      },
    ]);
    const subject = { mediaType: OCI_INDEX, digest: image, size: 1 };
    report = await putArtifact(repository, undefined, { subject, artifactType: "example/report" }, [
      { content: "a report" },
    ]);
    const list = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [report] });
    await putManifest(repository, tagOf(image), list, OCI_INDEX);
    writeFileSync(at("key.pub"), pem(publicKey));
    writeFileSync(at("wrong.pub"), pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey));
    const mirror = `{ endpoints: ["${source.url}/quay.io"], only: true }`;
    writeFileSync(at("config.yaml"), `mirrors: { quay.io: ${mirror} }\n`);
    writeFileSync(
      at("spec.yaml"),
      "name: app\nversion: 1.0.0\ncharts: []\nimages: { referrers: true, include: [quay.io/org/app:1] }\n",
    );
  });
  afterAll(async () => {
    await Promise.all([source.stop(), target.stop()]);
    rmSync(folder, { recursive: true });
  });

  it("travel in the bundle, to another registry, and are served", async () => {
    const built = await build("app.bundle", "--verify-images", at("key.pub"));
    expect({ code: built.code, stderr: built.code === 0 ? "" : built.stderr }).toEqual({
      code: 0,
      stderr: "",
    });
    expect((await runCli(["verify", at("app.bundle")])).code).toBe(0);
    const bundle = await openBundle(at("app.bundle"));
    const artifacts = bundle.inventory.images[0]?.artifacts ?? [];
    expect(new Map(artifacts.map(({ digest, tags }) => [digest, tags]))).toEqual(
      new Map([
        [signature.digest, [`${tagOf(image)}.sig`]],
        [report.digest, []],
      ]),
    );

    // The registry has no API for referrers, and a list of somebody else.
    const repository = `${target.url}/v2/quay.io/org/app`;
    const theirs = await putArtifact(repository, undefined, {}, [{ content: "theirs" }]);
    const list = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [theirs] });
    await putManifest(repository, tagOf(image), list, OCI_INDEX);
    await pushTo(target.host, bundle);
    expect(await digestAt(repository, `${tagOf(image)}.sig`)).toBe(signature.digest);
    expect(await digestAt(repository, report.digest)).toBe(report.digest);
    const listed = await fetch(`${repository}/manifests/${tagOf(image)}`, { headers: { accept: OCI_INDEX } });
    expect(await listed.json()).toMatchObject({
      manifests: [{ digest: theirs.digest }, { digest: report.digest, artifactType: "example/report" }],
    });
    expect(await pushTo(target.host, bundle)).toMatchObject({ sentBytes: 0 });

    const server = await serveOpenly(bundle, {
      address: "127.0.0.1",
      port: 0,
      onManifest: () => undefined,
      onFailure: () => undefined,
    });
    try {
      const served = `http://127.0.0.1:${server.port}/v2/quay.io/org/app`;
      expect(await digestAt(served, `${tagOf(image)}.sig`)).toBe(signature.digest);
      expect(await (await fetch(`${served}/referrers/${image}`)).json()).toMatchObject({
        mediaType: OCI_INDEX,
        manifests: [{ digest: report.digest, size: report.size, artifactType: "example/report" }],
      });
      expect(await digestAt(served, report.digest)).toBe(report.digest);
    } finally {
      await server.close();
    }
  });

  it("are not in a bundle whose spec does not ask for them", async () => {
    writeFileSync(
      at("plain.yaml"),
      "name: app\nversion: 1.0.0\ncharts: []\nimages: { include: [quay.io/org/app:1] }\n",
    );
    const flags = [
      "--platform",
      "linux/amd64",
      "--config",
      at("config.yaml"),
      "--verify-images",
      at("key.pub"),
    ];
    expect((await runCli(["build", at("plain.yaml"), "-o", at("plain.bundle"), ...flags])).code).toBe(0);
    const { inventory } = await openBundle(at("plain.bundle"));
    expect(inventory.images[0]?.artifacts).toBeUndefined();
    expect(inventory.blobs.some(({ digest }) => digest === signature.digest)).toBe(false);
  });

  it("build refuses images that are not signed with the key, all of them, before it fetches a layer", async () => {
    const wrong = await build("wrong.bundle", "--verify-images", at("wrong.pub"));
    expect(wrong.code).toBe(2);
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      error: { code: "IMAGE_UNSIGNED", subject: "quay.io/org/app:1" },
    });
    writeFileSync(
      at("spec.yaml"),
      "name: app\nversion: 1.0.0\ncharts: []\nimages: { include: [quay.io/org/app:1, quay.io/org/other:1] }\n",
    );
    const both = await build("both.bundle", "--verify-images", at("key.pub"));
    expect(JSON.parse(both.stdout)).toMatchObject({
      error: { code: "IMAGE_UNSIGNED", subject: "quay.io/org/other:1" },
    });
    expect(existsSync(at("both.bundle.partial"))).toBe(false);
  });
});
