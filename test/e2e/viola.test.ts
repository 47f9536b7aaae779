// The whole process with the viola stack, at its full size where VIOLA_SCALE is 1: images, build,
// verify, audit, load into three nodes.
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AuditReport } from "../../src/core/audit/report.js";
import type { Inventory } from "../../src/core/bundle/inventory.js";
import type { Findings } from "../../src/core/images/image-use.js";
import { startNodes, type Nodes } from "../support/nodes.js";
import { needs } from "../support/parts.js";
import { mustRun } from "../support/run.js";
import { prepareViola, VIOLA_REQUIRED, type ViolaRun } from "./viola-run.js";

const describeAll = await needs("registries", "nodes", "helm", "shared");

/** The size of the layers; 1 is about 1.5 GB. */
const SCALE = Number(process.env["VIOLA_SCALE"] ?? 0.25);

describeAll("the viola stack", () => {
  let viola: ViolaRun;
  let bundle: string;
  let inventory: Inventory;
  let nodes: Nodes;

  beforeAll(async () => {
    [viola, nodes] = await Promise.all([prepareViola(SCALE), startNodes(2)]);
    bundle = join(viola.folder, "viola.bundle");
    const built = await viola.cli("build", viola.spec, "-o", bundle, "--platform", "linux/amd64");
    expect(built).toMatchObject({ code: 0 });
    inventory = JSON.parse(await mustRun("tar", ["-xOf", bundle, "bundle.json"])) as Inventory;
  });

  afterAll(async () => {
    await nodes.remove();
    await viola.close();
  });

  it("needs exactly its 17 images, each with evidence", async () => {
    const { code, stdout } = await viola.cli("images", viola.spec, "--json");
    const { images } = JSON.parse(stdout) as Findings;

    expect(code).toBe(0);
    expect(images.filter(({ required }) => required).map(({ normalized }) => normalized)).toEqual(
      VIOLA_REQUIRED,
    );
    for (const { evidence } of images) expect(evidence).not.toHaveLength(0);
  });

  it("is built into one valid file, with less than 1 % in addition to the layers", async () => {
    const verified = await viola.cli("verify", bundle, "--json");
    const layers = new Map(
      inventory.images
        .flatMap(({ platforms }) => platforms.flatMap((platform) => platform.layers))
        .map(({ digest, size }) => [digest, size]),
    );
    const layerBytes = [...layers.values()].reduce((sum, size) => sum + size, 0);
    const report = JSON.parse(verified.stdout) as { size: number; images: number; problems: unknown[] };

    expect(verified.code).toBe(0);
    expect(report).toMatchObject({ images: 17, problems: [] });
    expect(layerBytes).toBeGreaterThan(1.4e9 * SCALE);
    expect(report.size / layerBytes).toBeLessThan(1.01);
  });

  it("has the same sha256 after another build", async () => {
    const again = join(viola.folder, "again.bundle");
    expect(await viola.cli("build", viola.spec, "-o", again, "--platform", "linux/amd64")).toMatchObject({
      code: 0,
    });

    expect(await sha256(again)).toBe(await sha256(bundle));
  });

  it("has the same audit for the file and for the spec", async () => {
    const [ofBundle, ofSpec] = await Promise.all([
      viola.cli("audit", bundle, "--json"),
      viola.cli("audit", viola.spec, "--platform", "linux/amd64", "--json"),
    ]);
    const report = JSON.parse(ofBundle.stdout) as AuditReport;

    expect([ofBundle.code, ofSpec.code]).toEqual([0, 0]);
    expect(report).toEqual(JSON.parse(ofSpec.stdout));
    for (const { normalized, uncompressedBytes, usedBy } of report.images) {
      const made = viola.images.find(({ repository, tag }) => `${repository}:${tag}` === normalized)!;
      expect({ normalized, uncompressedBytes }).toEqual({
        normalized,
        uncompressedBytes: made.image.platforms[0]!.uncompressedSize,
      });
      expect(usedBy).not.toHaveLength(0);
    }
  });

  it("has both repositories with two versions and both images without a fixed version as findings", async () => {
    const { code, stdout } = await viola.cli("audit", bundle, "--json", "--fail-on", "duplicate-versions");
    const { findings } = JSON.parse(stdout) as AuditReport;
    const subjectsOf = (id: string): readonly string[] =>
      findings.flatMap(({ rule, subject }) => (rule === id ? [subject] : []));

    expect(code).toBe(1);
    expect(subjectsOf("duplicate-versions")).toEqual([
      "kiwigrid/k8s-sidecar",
      "quay.io/prometheus-operator/prometheus-config-reloader",
    ]);
    const tests = ["docker.io/grafana/loki-helm-test:latest", "docker.io/library/busybox:latest"];
    expect(subjectsOf("mutable-tag")).toEqual(tests);
    expect(subjectsOf("pull-policy").toSorted()).toEqual(tests);
    expect(subjectsOf("test-only")).toEqual(["docker.io/bats/bats:v1.4.1", ...tests]);
  });

  it("writes the table of components that its user kept by hand", async () => {
    const { stdout } = await viola.cli("audit", bundle, "--format", "markdown", "--lang", "ko");
    const rows = stdout.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    const row = (component: string): readonly string[] => rows.find((cells) => cells[1] === component) ?? [];

    for (const [component, object, images, versions] of [
      [
        "prometheus",
        "StatefulSet (Prometheus)",
        "quay.io/prometheus/prometheus<br>quay.io/prometheus-operator/prometheus-config-reloader",
        "v2.55.1<br>v0.78.2",
      ],
      [
        "grafana",
        "Deployment",
        "docker.io/grafana/grafana<br>quay.io/kiwigrid/k8s-sidecar",
        "11.3.1<br>1.28.0",
      ],
      ["node-exporter", "DaemonSet", "quay.io/prometheus/node-exporter", "v1.8.2"],
      [
        "loki",
        "StatefulSet, Deployment",
        "docker.io/grafana/loki<br>docker.io/kiwigrid/k8s-sidecar",
        "2.9.4<br>1.24.3",
      ],
      ["promtail", "DaemonSet", "docker.io/grafana/promtail", "3.0.0"],
      [
        "kube-state-metrics",
        "Deployment",
        "registry.k8s.io/kube-state-metrics/kube-state-metrics",
        "v2.14.0",
      ],
    ] as const) {
      expect(row(component).slice(1, 5)).toEqual([component, object, images, versions]);
      // Each image has a purpose in Korean.
      expect(
        row(component)[5]
          ?.split("<br>")
          .every((purpose) => /[가-힣]/.test(purpose)),
      ).toBe(true);
    }
  });

  it("is rejected by verify and load when a layer is damaged, before a node is changed", async () => {
    const damaged = join(viola.folder, "damaged.bundle");
    await copyFile(bundle, damaged);
    const image = inventory.images.find(
      ({ normalized }) => normalized === "docker.io/grafana/grafana:11.3.1",
    )!;
    const layer = image.platforms[0]!.layers.at(-1)!;
    const { offset = 0 } = inventory.blobs.find(({ digest }) => digest === layer.digest)!;
    const file = await open(damaged, "r+");
    await file.write(Buffer.from([0xff, 0x00, 0xff]), 0, 3, offset + 1000);
    await file.close();

    const verified = await viola.cli("verify", damaged, "--json");
    const loaded = await viola.cli("load", damaged, "--to", `kind:${nodes.cluster}`, "--json");

    expect(verified.code).toBe(1);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      problems: [
        { code: "blob-damaged", digest: layer.digest, images: ["docker.io/grafana/grafana:11.3.1"] },
      ],
    });
    expect(loaded.code).toBe(2);
    expect(JSON.parse(loaded.stdout)).toMatchObject({ error: { code: "BUNDLE_INVALID" } });
    for (const node of nodes.names) expect(await imagesOn(node)).toEqual(new Map());
  });

  it("is on every node after load, with the names of the charts and the digests of the registry", async () => {
    const loaded = await viola.cli("load", bundle, "--to", `kind:${nodes.cluster}`, "--json");

    expect(loaded).toMatchObject({ code: 0 });
    const expected = new Map(
      viola.images.map(({ repository, tag, image }) => [`${repository}:${tag}`, image.root.digest]),
    );
    expect([...expected.keys()].sort()).toEqual([...VIOLA_REQUIRED].sort());
    for (const node of nodes.names) {
      const present = await imagesOn(node);
      expect(new Map(VIOLA_REQUIRED.map((name) => [name, present.get(name)]))).toEqual(
        new Map(VIOLA_REQUIRED.map((name) => [name, expected.get(name)])),
      );
      const check = await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "check");
      expect(check).not.toContain("incomplete");
    }
  });

  it("sends nothing when it is loaded again", async () => {
    const { stdout } = await viola.cli("load", bundle, "--to", `kind:${nodes.cluster}`, "--json");
    const { nodes: reports } = JSON.parse(stdout) as { nodes: { route: string; sentBytes: number }[] };

    expect(reports.map(({ route, sentBytes }) => ({ route, sentBytes }))).toEqual(
      nodes.names.map(() => ({ route: "none", sentBytes: 0 })),
    );
  });

  it("leaves no incomplete file", () => {
    expect(existsSync(`${bundle}.partial`)).toBe(false);
    expect(existsSync(`${bundle}.partial.journal`)).toBe(false);
  });

  async function imagesOn(node: string): Promise<ReadonlyMap<string, string>> {
    const listing = await nodes.exec(node, "ctr", "-n", "k8s.io", "images", "ls");
    const rows = listing
      .split("\n")
      .slice(1)
      .filter((row) => row !== "");
    return new Map(rows.map((row) => row.split(/\s+/)).map(([name = "", , digest = ""]) => [name, digest]));
  }
});

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
