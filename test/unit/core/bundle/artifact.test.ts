// A bundle as an artifact: how its file is divided, and which manifests are those of bundles.
import { describe, expect, it } from "vitest";
import {
  artifactManifest,
  BUNDLE_TYPE,
  divideFile,
  parseArtifact,
  PIECE_TYPE,
} from "../../../../src/core/bundle/artifact.js";
import { OCI_CONFIG } from "../../../../src/core/oci/descriptor.js";
import { digestOf } from "../../../../src/core/oci/digest.js";
import { parseManifest } from "../../../../src/core/oci/manifest.js";

describe("divideFile", () => {
  it.each([
    [1, 10],
    [100, 10],
    [101, 10],
    [40_000_000_000, 1],
    [5_000_000_000, undefined],
  ])("covers %d bytes without a gap, in a number of pieces that a manifest can list", (size, wanted) => {
    const pieces = divideFile(size, wanted);

    let end = 0;
    for (const piece of pieces) {
      expect(piece.offset).toBe(end);
      expect(piece.size).toBeGreaterThan(0);
      end += piece.size;
    }
    expect(end).toBe(size);
    expect(pieces.length).toBeLessThanOrEqual(4096);
  });
});

describe("parseArtifact", () => {
  const pieces = [
    { digest: digestOf("one"), size: 7, offset: 0 },
    { digest: digestOf("two"), size: 3, offset: 7 },
  ];
  const artifact = { config: { digest: digestOf("{}"), size: 2 }, pieces, size: 10 };
  const parse = (text: string): unknown =>
    parseArtifact(parseManifest(Buffer.from(text), undefined, "a"), "a");

  it("reads what artifactManifest writes", () => {
    expect(parse(Buffer.from(artifactManifest(artifact, "app-1.bundle")).toString())).toEqual(artifact);
  });

  it.each([
    ["an image", BUNDLE_TYPE, OCI_CONFIG],
    ["a bundle with other layers", PIECE_TYPE, "application/vnd.example.piece"],
  ])("refuses %s", (_, from, to) => {
    const text = Buffer.from(artifactManifest(artifact, "app-1.bundle")).toString().replaceAll(from, to);

    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "BUNDLE_UNSUPPORTED", subject: "a" }));
  });

  it("refuses a bundle without pieces", () => {
    const text = Buffer.from(artifactManifest({ ...artifact, pieces: [] }, "app-1.bundle")).toString();

    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "BUNDLE_UNSUPPORTED" }));
  });
});
