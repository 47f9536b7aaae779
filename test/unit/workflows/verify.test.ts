// Verifying finds what no checksum shows.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { verifyBundle } from "../../../src/workflows/verify/verify.js";
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
