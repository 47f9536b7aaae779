// Verifying finds what no checksum shows.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { BundleReader } from "../../../src/workflows/ports.js";
import { verifyWithLayers } from "../../../src/workflows/verify/verify-layers.js";
import { verifyBundle, type VerifyReport } from "../../../src/workflows/verify/verify.js";
import { bundleOf } from "../../support/bundle-of.js";
import { workflowRun } from "../../support/workflow-run.js";

const folder = mkdtempSync(join(tmpdir(), "viola-verify-"));
const reader = { findDamagedBlobs: () => Promise.resolve([]) };

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("verify", () => {
  it.each([
    ["fewer layers than the manifest", []],
    ["more layers than the manifest", [`sha256:${"1".repeat(64)}`, `sha256:${"2".repeat(64)}`]],
  ])("names the image whose config lists %s", async (_, diffIds) => {
    const name = `config-${diffIds.length}`;
    const bundle = await bundleOf(folder, name, [
      { seed: name, mediaTypes: "oci", layers: [2000], reference: "quay.io/lab/broken:1", diffIds },
      { seed: "whole", mediaTypes: "oci", layers: [2000], reference: "quay.io/lab/whole:1" },
    ]);

    const { problems } = await verifyBundle(workflowRun(), bundle, { reader });

    expect(problems).toMatchObject([
      { code: "image-unusable", subject: "quay.io/lab/broken:1", images: ["quay.io/lab/broken:1"] },
    ]);
  });
});

describe("verify --layers", () => {
  const wrongId = `sha256:${"1".repeat(64)}`;
  const verify = async (name: string, actual?: string): Promise<VerifyReport> => {
    const bundle = await bundleOf(folder, name, [
      { seed: name, mediaTypes: "oci", layers: [2000], reference: "quay.io/lab/a:1", diffIds: [wrongId] },
      { seed: name, mediaTypes: "oci", layers: [2000, 3000], reference: "quay.io/lab/b:1" },
    ]);
    const findWrongLayers: BundleReader["findWrongLayers"] = (layers) => {
      // A layer of two images with different diff ids is compared with both.
      expect(layers).toHaveLength(3);
      return Promise.resolve(
        layers
          .filter(({ diffId }) => diffId === wrongId)
          .map((layer) => ({ layer, ...(actual !== undefined && { actual }) })),
      );
    };
    return verifyWithLayers(workflowRun(), bundle, { reader: { ...reader, findWrongLayers } });
  };

  it("names the image whose config states another diff id", async () => {
    expect((await verify("wrong", `sha256:${"2".repeat(64)}`)).problems).toMatchObject([
      { code: "layer-unusable", images: ["quay.io/lab/a:1"] },
    ]);
  });

  it("warns of a layer that cannot be decompressed here", async () => {
    const { problems, warnings } = await verify("unchecked");
    expect(problems).toEqual([]);
    expect(warnings).toMatchObject([{ code: "layer-unchecked", subject: "quay.io/lab/a:1" }]);
  });
});
