// The built command compares two bundle files, of which one image differs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { BundleDiff } from "../../src/core/diff/bundle-diff.js";
import { bundleOf } from "../support/bundle-of.js";
import { runCli } from "../support/cli.js";

it("names exactly the image that changed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "viola-diff-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const images = (web: string) =>
    ["db:16", "cache:7", web].map((name) => ({
      seed: name,
      mediaTypes: "oci" as const,
      layers: [{ seed: "base", bytes: 20_000 }, 5000],
      reference: `quay.io/shop/${name}`,
    }));
  const [old, next] = [
    await bundleOf(folder, "shop", images("web:1.0")),
    await bundleOf(folder, "shop-next", images("web:1.1")),
  ];

  const { code, stdout, stderr } = await runCli(["diff", old.file, next.file, "--exit-code", "--json"]);

  expect(stderr).toBe("");
  expect(code).toBe(1);
  const report = JSON.parse(stdout) as BundleDiff;
  expect(report.images.map(({ change, repository }) => [change, repository])).toEqual([
    ["tag", "quay.io/shop/web"],
  ]);
  expect(report).toMatchObject({ charts: [], values: [], files: [] });
  expect(report.differential.blobBytes).toBeLessThan(20_000);
});
