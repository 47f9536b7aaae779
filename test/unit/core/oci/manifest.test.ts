// Parses indexes and manifests.
import { describe, expect, it } from "vitest";
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
} from "../../../../src/core/oci/descriptor.js";
import { checkRunnable, configPlatform, parseManifest } from "../../../../src/core/oci/manifest.js";

const digest = `sha256:${"0".repeat(64)}`;
const layer = { mediaType: `${OCI_LAYER}+gzip`, digest, size: 10 };
const config = { mediaType: OCI_CONFIG, digest, size: 2 };
const manifest = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [{ mediaType: OCI_MANIFEST, digest, size: 3 }] };

function parse(value: unknown, mediaType?: string): ReturnType<typeof parseManifest> {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return parseManifest(Buffer.from(text), mediaType, "quay.io/a/b:1");
}

describe("parseManifest", () => {
  it("reads config and layers of a manifest", () => {
    expect(parse({ ...manifest, mediaType: OCI_MANIFEST }, OCI_MANIFEST)).toEqual({
      kind: "manifest",
      mediaType: OCI_MANIFEST,
      config,
      layers: [layer],
    });
  });

  it("reads the entries of an index with platform and annotations", () => {
    const platform = { os: "linux", architecture: "arm", variant: "v7" };
    const entry = { ...index.manifests[0], platform, annotations: { a: "b" } };

    expect(parse({ mediaType: DOCKER_INDEX, manifests: [entry] })).toEqual({
      kind: "index",
      mediaType: DOCKER_INDEX,
      entries: [entry],
    });
  });

  it.each([
    [manifest, undefined, "manifest", OCI_MANIFEST],
    [manifest, DOCKER_MANIFEST, "manifest", DOCKER_MANIFEST],
    [manifest, "text/plain; charset=utf-8", "manifest", OCI_MANIFEST],
    [index, undefined, "index", OCI_INDEX],
    [index, `${DOCKER_INDEX}; charset=utf-8`, "index", DOCKER_INDEX],
  ])("infers a missing media type (%#)", (value, stated, kind, mediaType) => {
    expect(parse(value, stated)).toMatchObject({ kind, mediaType });
  });

  it.each([
    [{ ...manifest, layers: null }, { layers: [] }],
    [{ schemaVersion: 2, config }, { layers: [] }],
    [
      { ...manifest, mediaType: null, artifactType: null },
      { mediaType: OCI_MANIFEST, layers: [layer] },
    ],
    [{ ...manifest, mediaType: "" }, { mediaType: OCI_MANIFEST }],
    [{ mediaType: OCI_INDEX, manifests: null }, { entries: [] }],
  ])("ignores a field that is null or empty (%#)", (value, expected) => {
    const parsed = parse(value);

    expect(parsed).toMatchObject(expected);
    expect(parsed).not.toHaveProperty("artifactType");
  });

  it("reads a platform without os or architecture as one that no host has, as containerd does", () => {
    const [entry] = index.manifests;
    const platforms = [null, {}, { os: "", architecture: "" }, { architecture: "amd64", variant: null }];
    const parsed = parse({ ...index, manifests: platforms.map((platform) => ({ ...entry, platform })) });

    expect(parsed).toMatchObject({ kind: "index" });
    expect("entries" in parsed && parsed.entries.map(({ platform }) => platform)).toEqual([
      undefined,
      { os: "unknown", architecture: "unknown" },
      { os: "unknown", architecture: "unknown" },
      { os: "unknown", architecture: "amd64" },
    ]);
  });

  it.each([
    ["values", `{"layers":[${"0,".repeat(200_000)}0]}`],
    ["levels", `{"layers":${"[".repeat(1000)}${"]".repeat(1000)}}`],
  ])("rejects a document with too many %s before it is parsed", (_, text) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: "REGISTRY_ANSWER_INVALID", subject: "quay.io/a/b:1" }),
    );
  });

  it.each([
    ["schema 1 by its media type", manifest, "application/vnd.docker.distribution.manifest.v1+prettyjws"],
    ["schema 1 by its version", { schemaVersion: 1, fsLayers: [] }, "application/json"],
    ["another kind of document", { mediaType: "application/vnd.oci.artifact.manifest.v1+json" }, undefined],
    [
      "digests other than sha256",
      { ...manifest, config: { ...config, digest: `sha512:${"0".repeat(128)}` } },
      undefined,
    ],
  ])("rejects %s as unsupported", (_, value, stated) => {
    expect(() => parse(value, stated)).toThrow(
      expect.objectContaining({ code: "IMAGE_UNSUPPORTED", subject: "quay.io/a/b:1" }),
    );
  });

  it.each([
    ["text", "<html>", undefined],
    ["a list", [], undefined],
    ["a media type that contradicts the answer's", { ...manifest, mediaType: OCI_MANIFEST }, DOCKER_MANIFEST],
    ["a document that is both", { ...manifest, ...index }, undefined],
    ["a manifest without config", { layers: [] }, OCI_MANIFEST],
    ["a negative size", { ...manifest, config: { ...config, size: -1 } }, undefined],
  ])("rejects %s as invalid, in one line", (_, value, stated) => {
    const failure = expect.objectContaining({
      code: "REGISTRY_ANSWER_INVALID",
      message: expect.not.stringContaining("\n") as unknown,
    }) as Error;
    expect(() => parse(value, stated)).toThrow(failure);
  });
});

describe("checkRunnable", () => {
  const check = (changes: object) => (): void => {
    const parsed = parse({ ...manifest, ...changes });
    if (parsed.kind === "manifest") checkRunnable(parsed, "x");
  };

  it("accepts images", () => {
    expect(check({})).not.toThrow();
  });

  it.each([
    [{ config: { ...config, mediaType: "application/vnd.cncf.helm.config.v1+json" } }],
    [{ layers: [{ ...layer, mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" }] }],
    [{ layers: [{ ...layer, mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" }] }],
  ])("rejects artifacts and layers that may not be redistributed (%#)", (changes) => {
    expect(check(changes)).toThrow(expect.objectContaining({ code: "IMAGE_UNSUPPORTED" }));
  });
});

describe("configPlatform", () => {
  it("reads and normalizes the platform", () => {
    const bytes = Buffer.from('{"os":"linux","architecture":"aarch64","variant":"v8"}');

    expect(configPlatform(bytes)).toEqual({ os: "linux", architecture: "arm64" });
  });

  it("returns undefined for a config without a platform", () => {
    expect(configPlatform(Buffer.from("{}"))).toBeUndefined();
    expect(configPlatform(Buffer.from("no JSON"))).toBeUndefined();
  });
});
