// `diff` of bundle files: the formats, the exit code and the output, and what is not shown.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DIFF_FORMATS } from "../../../src/cli/reporters/diff.js";
import type { BundleDiff } from "../../../src/core/diff/bundle-diff.js";
import { digestOf, hexOf } from "../../../src/core/oci/digest.js";
import type { OpenBundle } from "../../../src/workflows/ports.js";
import { bundleOf } from "../../support/bundle-of.js";
import { runInProcess } from "../../support/in-process.js";

const BASE = { seed: "base", bytes: 4000 } as const;
const SECRET = "the-password-of-the-database";

let folder = "";
let old: OpenBundle;
let next: OpenBundle;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "viola-diff-"));
  old = await shop("old", { web: "1.0", chart: "1.0.0", db: "3.1.0", values: `password: ${SECRET}\n` });
  next = await shop("new", {
    web: "1.1",
    chart: "1.1.0",
    db: "3.2.0",
    values: "password: other\nreplicas: 2\n",
  });
});
afterAll(() => rm(folder, { recursive: true }));

/** A bundle with two images, of which `web` has the tag, and a chart with a subchart. */
async function shop(
  name: string,
  {
    web,
    chart,
    db,
    values,
  }: { readonly web: string; readonly chart: string; readonly db: string; readonly values: string },
): Promise<OpenBundle> {
  const packed = await packChart({ web: chart, "web/charts/db": db });
  const entry = (path: string, bytes: Buffer) => ({ path, bytes, sha256: hexOf(digestOf(bytes)) });
  const file = `charts/web-${chart}.tgz`;
  return bundleOf(
    folder,
    name,
    [
      { seed: `web ${web}`, mediaTypes: "oci", layers: [BASE, 3000], reference: `quay.io/shop/web:${web}` },
      { seed: "db", mediaTypes: "oci", layers: [BASE, 2000], reference: "postgres:16" },
    ],
    {
      files: [entry(file, packed), entry("values/web.yaml", Buffer.from(values))],
      releases: [
        {
          name: "web",
          namespace: "apps",
          chart: { name: "web", version: chart },
          file,
          sha256: hexOf(digestOf(packed)),
          values: ["values/web.yaml"],
        },
      ],
    },
  );
}

async function packChart(versions: Readonly<Record<string, string>>): Promise<Buffer> {
  const tar = pack();
  for (const [path, version] of Object.entries(versions)) {
    const name = path.split("/").at(-1) ?? "";
    tar.entry({ name: `${path}/Chart.yaml` }, `apiVersion: v2\nname: ${name}\nversion: ${version}\n`);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

describe("diff", () => {
  it("names exactly the image, the chart, the subchart and the values that changed", async () => {
    const { code, stdout } = await runInProcess(["diff", old.file, next.file, "--json"]);

    expect(code).toBe(0);
    const report = JSON.parse(stdout) as BundleDiff;
    expect(report.images).toMatchObject([
      {
        change: "tag",
        repository: "quay.io/shop/web",
        old: { tag: "1.0" },
        new: { tag: "1.1" },
        layers: { added: 1, removed: 1, kept: 1 },
      },
    ]);
    expect(report.charts).toEqual([
      {
        change: "version",
        release: "web",
        namespace: "apps",
        old: { name: "web", version: "1.0.0", appVersion: null },
        new: { name: "web", version: "1.1.0", appVersion: null },
        subcharts: [{ change: "version", path: "db", old: "3.1.0", new: "3.2.0" }],
      },
    ]);
    expect(report.values).toMatchObject([
      {
        keys: [
          { change: "changed", path: "password" },
          { change: "added", path: "replicas" },
        ],
      },
    ]);
    expect(report).toMatchObject({ formatVersion: 1, different: true, files: [] });
  });

  it("counts the bytes of a differential bundle: the blobs of the old bundle are left out", async () => {
    const { stdout } = await runInProcess(["diff", old.file, next.file, "--json"]);
    const { differential, blobs } = JSON.parse(stdout) as BundleDiff;

    const had = new Set(old.inventory.blobs.map(({ digest }) => digest));
    const added = next.inventory.blobs.filter(({ digest }) => !had.has(digest));
    const bytes = added.reduce((sum, { size }) => sum + size, 0);
    expect(differential).toMatchObject({ blobs: added.length, blobBytes: bytes });
    expect(blobs.added).toEqual({ count: added.length, bytes });
    expect(differential.size).toBeGreaterThan(bytes);
    expect(differential.size).toBeLessThan(next.size - blobs.kept.bytes);
  });

  it.each(DIFF_FORMATS)("shows keys but no values as %s, unless an option asks for them", async (format) => {
    const argv = ["diff", old.file, next.file, "--format", format];
    const { stdout } = await runInProcess(argv);

    for (const fact of ["quay.io/shop/web", "1.1.0", "password", "replicas"]) expect(stdout).toContain(fact);
    expect(stdout).not.toContain("postgres");
    expect(stdout).not.toContain(SECRET);
    expect((await runInProcess([...argv, "--show-values"])).stdout).toContain(SECRET);
  });

  it("exits with 1 for a difference only with --exit-code", async () => {
    expect((await runInProcess(["diff", old.file, next.file, "--exit-code"])).code).toBe(1);
    expect((await runInProcess(["diff", old.file, old.file, "--exit-code"])).code).toBe(0);
  });

  it("has empty lists for equal bundles", async () => {
    const { stdout } = await runInProcess(["diff", old.file, old.file, "--json"]);
    const none = { settings: [], charts: [], values: [], images: [], files: [] };
    const report = JSON.parse(stdout) as BundleDiff;
    expect(report).toMatchObject({ different: false, ...none });
    expect(report.differential).toMatchObject({ blobs: 0, blobBytes: 0 });
  });

  it("compares a bundle with a spec", async () => {
    const spec = join(folder, "empty.yaml");
    await writeFile(spec, "name: old\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts: []\n");
    const { code, stdout, stderr } = await runInProcess(["diff", old.file, spec, "--json"]);

    expect(stderr).not.toContain("error");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      old: { kind: "bundle", images: 2 },
      new: { kind: "spec", images: 0 },
      settings: [],
      charts: [{ change: "removed", release: "web" }],
      images: [{ change: "removed" }, { change: "removed" }],
    });
  });

  it("replaces its own report with --out, and nothing else", async () => {
    const out = join(folder, "report");
    for (const format of DIFF_FORMATS) {
      const argv = ["diff", old.file, next.file, "--out", out, "--format", format];
      expect((await runInProcess(argv)).code).toBe(0);
    }
    const written = await readFile(out, "utf8");
    expect(written).toBe((await runInProcess(["diff", old.file, next.file, "--json"])).stdout);

    await writeFile(out, "notes of somebody\n");
    const refused = await runInProcess(["diff", old.file, next.file, "--out", out, "--json"]);
    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "FILE_UNUSABLE", subject: out } });
    for (const input of [old.file, next.file]) {
      expect((await runInProcess(["diff", old.file, next.file, "--out", input, "--force"])).code).toBe(2);
    }
  });
});
