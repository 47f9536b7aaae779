// The choice among the platforms of an image.
import { describe, expect, it } from "vitest";
import {
  attachManifests,
  choosePlatforms,
  type PlatformCandidate,
} from "../../../../src/core/images/choose-platforms.js";
import { OCI_CONFIG, OCI_MANIFEST } from "../../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { parsePlatform } from "../../../../src/core/oci/platform.js";

function candidate(platform: string, seed = platform): PlatformCandidate {
  const config = {
    mediaType: OCI_CONFIG,
    digest: digestOf(`config ${seed}`),
    size: 1,
  };
  return {
    platform: parsePlatform(platform),
    descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(seed), size: 1 },
    manifest: { kind: "manifest", mediaType: OCI_MANIFEST, config, layers: [] },
  };
}

function choose(has: readonly PlatformCandidate[], ...wanted: string[]): string[] {
  return choosePlatforms(has, wanted.map(parsePlatform), "x").map(({ manifest }) => manifest.digest);
}

describe("choosePlatforms", () => {
  it("keeps the requested order", () => {
    const has = [candidate("linux/amd64"), candidate("linux/arm64"), candidate("unknown/unknown")];

    expect(choose(has, "linux/arm64", "linux/amd64")).toEqual([
      digestOf("linux/arm64"),
      digestOf("linux/amd64"),
    ]);
  });

  it("uses the first of two manifests for one platform", () => {
    expect(
      choose([candidate("linux/amd64", "gzip"), candidate("linux/amd64", "zstd")], "linux/amd64"),
    ).toEqual([digestOf("gzip")]);
  });

  it("lists a manifest for two platforms once", () => {
    expect(choose([candidate("linux/arm/v6")], "linux/arm/v7", "linux/arm/v6")).toHaveLength(1);
  });

  it("refuses a platform by a name that only containerd knows, and says what to use", () => {
    for (const platform of [
      { os: "linux", architecture: "x86_64" },
      { os: "Linux", architecture: "amd64" },
      { os: "linux", architecture: "aarch64" },
    ]) {
      const odd = { ...candidate("linux/amd64"), platform };
      const wanted = platform.architecture === "aarch64" ? "linux/arm64" : "linux/amd64";
      expect(() => choose([odd], wanted)).toThrow(
        expect.objectContaining({
          code: "IMAGE_UNSUPPORTED",
          hint: expect.stringContaining(odd.descriptor.digest) as unknown,
        }),
      );
    }
  });

  it("reports all missing platforms and the existing ones, without attestations", () => {
    const has = [candidate("linux/amd64"), candidate("unknown/unknown")];

    const choosing = (): unknown => choose(has, "linux/s390x", "linux/amd64", "linux/riscv64");

    expect(choosing).toThrow(expect.objectContaining({ code: "IMAGE_PLATFORM_MISSING" }));
    expect(choosing).toThrow(/s390x.*riscv64.*linux\/amd64(?!.*unknown)/);
  });

  it("requires an absent manifest only when it is chosen", () => {
    const { platform, descriptor } = candidate("linux/arm64");
    const absent = { platform, descriptor };
    const has = [absent, candidate("linux/amd64"), candidate("linux/arm/v7")];

    expect(choose(has, "linux/amd64")).toEqual([digestOf("linux/amd64")]);
    // A host with arm64 also runs arm/v7, but not if the index has a better platform.
    expect(() => choose(has, "linux/arm64")).toThrow(
      expect.objectContaining({ code: "IMAGE_PLATFORM_MISSING", subject: "x" }),
    );
    expect(() => choose(has, "linux/s390x")).toThrow(/amd64, linux\/arm\/v7/);
  });
});

describe("attachManifests", () => {
  const amd64 = candidate("linux/amd64");
  const [image] = choosePlatforms([amd64], [amd64.platform], "x");
  const without = ({ descriptor, manifest }: PlatformCandidate): Omit<PlatformCandidate, "platform"> => ({
    descriptor,
    ...(manifest && { manifest }),
  });
  const attach = (others: Parameters<typeof attachManifests>[1]): readonly string[] =>
    (attachManifests(image!, [amd64, ...others], "x").attached ?? []).map(({ digest }) => digest);

  it("adds manifests without a platform and of the same platform, once", () => {
    const [same, silent] = [candidate("linux/amd64", "zstd"), without(candidate("linux/amd64", "artifact"))];
    expect(attach([same, silent, silent])).toEqual([digestOf("zstd"), digestOf("artifact")]);
  });

  it("adds no manifests of other platforms, and no attestations", () => {
    expect(attach([candidate("linux/arm64"), candidate("unknown/unknown")])).toEqual([]);
  });

  it("rejects an image if no registry has such a manifest", () => {
    const { descriptor } = candidate("linux/amd64", "absent");
    expect(() => attach([{ descriptor }])).toThrow(
      expect.objectContaining({ code: "IMAGE_PLATFORM_MISSING", subject: "x" }),
    );
  });
});
