// `show` and `images` of a bundle: what they say is what the bundle has.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { digestOf, hexOf } from "../../../src/core/oci/digest.js";
import { bundleOf } from "../../support/bundle-of.js";
import { runInProcess } from "../../support/in-process.js";

const RECORD = {
  formatVersion: 1,
  date: "2026-01-02T03:04:05Z",
  bundle: "shop 1.0.0",
  bundleDigest: digestOf("bundle"),
  spec: digestOf("spec"),
  kubeVersion: "v1.30.2",
  containerd: ["1.7.18"],
  outcome: "complete",
  releases: [],
  asked: [{ normalized: "quay.io/shop/web:1", digest: digestOf("web"), usedBy: [] }],
  missing: [],
  unused: [],
};

let folder = "";
let bundle: OpenBundle;
let plain: OpenBundle;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-show-"));
  const image = { seed: "web", mediaTypes: "oci", layers: [3000] } as const;
  plain = await bundleOf(folder, "plain", []);
  const [record, chart] = [Buffer.from(JSON.stringify(RECORD)), Buffer.from("chart")];
  bundle = await bundleOf(
    folder,
    "shop",
    [
      { ...image, reference: "quay.io/shop/web:1" },
      { ...image, seed: "db", reference: "busybox" },
    ],
    {
      files: [
        { path: "rehearsal.json", bytes: record, sha256: hexOf(digestOf(record)) },
        { path: "charts/web-1.2.3.tgz", bytes: chart, sha256: hexOf(digestOf(chart)) },
      ],
      releases: [
        {
          name: "web",
          namespace: "apps",
          chart: { name: "web", version: "1.2.3", appVersion: "9" },
          file: "charts/web-1.2.3.tgz",
          sha256: hexOf(digestOf(chart)),
          values: [],
        },
      ],
    },
  );
});
afterAll(() => rm(folder, { recursive: true }));

describe("show", () => {
  it("has name, digest, platforms, releases, images with sizes, signature and rehearsal", async () => {
    const { code, stdout } = await runInProcess(["show", bundle.file, "--format", "json"]);

    expect(code).toBe(0);
    const document = JSON.parse(stdout) as { images: readonly { compressedBytes: number }[] };
    expect(document).toMatchObject({
      formatVersion: 1,
      name: "shop",
      version: "1.0.0",
      digest: bundle.digest,
      size: bundle.size,
      platforms: ["linux/amd64"],
      kubeVersion: null,
      releases: [{ name: "web", namespace: "apps", chart: { name: "web", version: "1.2.3" } }],
      images: [
        { normalized: "docker.io/library/busybox:latest", reference: "busybox" },
        { normalized: "quay.io/shop/web:1", platforms: ["linux/amd64"] },
      ],
      signature: null,
      rehearsal: { outcome: "complete", date: RECORD.date, kubeVersion: "v1.30.2", asked: 1, missing: 0 },
    });
    expect(document.images.every(({ compressedBytes }) => compressedBytes > 0)).toBe(true);
    expect((await runInProcess(["--json", "show", bundle.file])).stdout).toBe(stdout);
  });

  it("has the same facts as a table", async () => {
    const { stdout } = await runInProcess(["show", bundle.file]);

    for (const fact of [bundle.digest, "linux/amd64", "web-1.2.3", "quay.io/shop/web:1", "complete"]) {
      expect(stdout).toContain(fact);
    }
    expect(stdout).toMatch(/^signature +none$/m);
  });

  it("lists one reference a line", async () => {
    const { stdout } = await runInProcess(["show", bundle.file, "--format", "list"]);

    expect(stdout).toBe("docker.io/library/busybox:latest\nquay.io/shop/web:1\n");
  });

  it("shows a bundle without releases, images and rehearsal", async () => {
    const { code, stdout } = await runInProcess(["show", plain.file, "--json"]);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ releases: [], images: [], rehearsal: null });
    expect((await runInProcess(["show", plain.file])).stdout).toContain("no releases");
    expect((await runInProcess(["show", plain.file, "--format", "list"])).stdout.trim()).toBe("");
  });

  it("refuses what is not a bundle", async () => {
    const file = join(folder, "not.bundle");
    await writeFile(file, "x".repeat(1000));

    const { code, stdout } = await runInProcess(["show", file, "--json"]);

    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "BUNDLE_INVALID", subject: file } });
  });
});

describe("images of a bundle", () => {
  it("are those of its inventory", async () => {
    const { code, stdout } = await runInProcess(["images", bundle.file, "--json"]);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      formatVersion: 1,
      images: bundle.inventory.images.map(({ reference, normalized, required, confidence, evidence }) => ({
        reference,
        normalized,
        required,
        confidence,
        evidence,
      })),
      warnings: [],
    });
  });

  it("are explained by --why, and are not there with 1", async () => {
    expect((await runInProcess(["images", bundle.file, "--why", "busybox"])).code).toBe(0);
    expect((await runInProcess(["images", bundle.file, "--why", "busybox:9"])).code).toBe(1);
  });

  it.each([
    [["--release", "web"]],
    [["-f", "values.yaml"]],
    [["--set", "a=1"]],
    [["--kube-version", "1.30"]],
    [["--inspect-operators"]],
  ])("are not rendered anew with %j", async (flags) => {
    const { code, stdout } = await runInProcess(["images", bundle.file, ...flags, "--json"]);

    expect(code).toBe(2);
    const subject = flags[0] === "-f" ? "--values" : flags[0];
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "USAGE", subject } });
  });
});
