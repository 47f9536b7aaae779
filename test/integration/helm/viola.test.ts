// The viola stack: the real spec and charts have exactly 17 images, each with evidence.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { rm, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { startChartRepository, type ChartRepository } from "../../../scripts/parts/chart-repository.js";
import { VIOLA_REFERENCES } from "../../../scripts/parts/viola-images.js";
import { loadOperators } from "../../../src/adapters/files/read-operators.js";
import type { PackagedChart } from "../../../src/core/charts/chart.js";
import { parseRendered } from "../../support/rendered.js";
import { indexOperators } from "../../../src/core/finding/operator-index.js";
import { findImages } from "../../../src/core/finding/find-images.js";
import type { Findings } from "../../../src/core/images/image-use.js";
import { parseBundleSpec } from "../../../src/core/spec/parse-bundle-spec.js";
import { needs } from "../../support/parts.js";
import { ROOT, sharedPath } from "../../support/paths.js";
import { mustRun } from "../../support/run.js";
import { HELM_PACKAGES, makeTool, newFolder, packagedHelm, signal } from "./helm.js";

// The 16 images in viola-target.md, and the image of the install hooks, which no longer run in a
// cluster.
const REQUIRED = VIOLA_REFERENCES.toSorted();
const THANOS = "quay.io/thanos/thanos:v0.37.2";

const describeShared = await needs("helm", "shared");

describeShared.each(HELM_PACKAGES)("the viola stack with helm of %s", async (packageName) => {
  const helm = await packagedHelm(packageName);
  const tool = makeTool(helm);
  const operators = await loadOperators([join(ROOT, "manifests/operators")]);
  const file = join(ROOT, "manifests/viola-monitoring/bundle.yaml");
  let repository: ChartRepository;
  let folder: string;
  let chart: PackagedChart;
  let asked: number;

  const readSpec = async () => {
    const text = (await readFile(file, "utf8"))
      .replace("https://prometheus-community.github.io/helm-charts", `${repository.url}/prometheus-community`)
      .replaceAll("https://grafana.github.io/helm-charts", `${repository.url}/grafana`);
    return parseBundleSpec(text, file, folder);
  };
  const packageIt = async (directory: string): Promise<PackagedChart> => {
    const [{ source, dependencies } = expect.fail("the spec has no chart")] = (await readSpec()).charts;
    return tool.packageChart(source, dependencies, { directory: join(folder, directory) }, signal);
  };
  const findWith = async (set: readonly string[] = []): Promise<Findings> => {
    const spec = await readSpec();
    const [{ release, namespace, values } = expect.fail("the spec has no chart")] = spec.charts;
    const valuesFile = join(folder, "values.yaml");
    await writeFile(valuesFile, stringify(values));
    const kubeVersion = spec.kubeVersion ?? expect.fail("the spec names no Kubernetes version");
    const input = {
      release,
      namespace,
      valuesFiles: [valuesFile],
      set,
      kubeVersion,
      apiVersions: spec.apiVersions,
    };
    const text = await tool.renderChart(chart, input, signal);
    const from = { chart: `${chart.name}-${chart.version}`, release };
    const { objects, warnings } = parseRendered(text, from);
    const findings = findImages(objects, { operators: indexOperators(operators) });
    return { images: findings.images, warnings: [...warnings, ...findings.warnings] };
  };
  const required = ({ images }: Findings): readonly string[] =>
    images.filter((image) => image.required).map((image) => image.normalized);

  beforeAll(async () => {
    folder = await newFolder();
    repository = await startChartRepository(sharedPath("chart-repos"));
    chart = await packageIt("first");
    asked = repository.requests.length;
  });
  afterAll(async () => {
    await repository.close();
    await rm(folder, { recursive: true });
  });

  it("needs 17 images, each with evidence, without warnings", async () => {
    const findings = await findWith();

    expect(required(findings)).toEqual(REQUIRED);
    expect(findings.warnings).toEqual([]);
    for (const image of findings.images) {
      expect(image.evidence.length).toBeGreaterThan(0);
      for (const evidence of image.evidence) {
        expect(evidence.chart).toBe("kube-prometheus-stack-69.3.1");
        expect(evidence.template).toMatch(/^kube-prometheus-stack\//);
        expect(evidence.object).toMatch(/^\w+ \S+$/);
        expect(evidence.path).not.toBe("");
        expect(evidence.value).not.toBe("");
      }
    }
  });

  it("distinguishes helm tests and the image of the unused thanos flag", async () => {
    const { images } = await findWith();

    expect(images.filter((image) => !image.required).map((image) => image.normalized)).toEqual([
      "docker.io/bats/bats:v1.4.1",
      "docker.io/grafana/loki-helm-test:latest",
      "docker.io/library/busybox:latest",
      THANOS,
    ]);
    expect(images.find(({ normalized }) => normalized === THANOS)?.evidence[0]?.because).toMatch(/thanos/);
  });

  it("reports operator, Deployment and custom resource for an image that no chart names", async () => {
    const { images } = await findWith();

    const reloader = images.find(({ normalized }) => normalized.endsWith("config-reloader:v0.67.1"));
    expect(reloader?.evidence).toHaveLength(1);
    expect(reloader?.evidence[0]).toMatchObject({
      rule: "operator:grafana-agent-operator",
      object: "GrafanaAgent monitoring/viola-monitoring-loki",
    });
    expect(reloader?.evidence[0]?.because).toContain("Deployment viola-monitoring-grafana-agent-operator");
  });

  it("needs no agent images without the agent, and the thanos image with it", async () => {
    const withoutAgent = await findWith([
      "loki.monitoring.selfMonitoring.enabled=false",
      "loki.test.enabled=false",
    ]);
    const withThanos = await findWith([
      "prometheus.prometheusSpec.thanos.objectStorageConfig.secret.type=S3",
    ]);

    expect(required(withoutAgent)).toEqual(
      REQUIRED.filter((image) => !image.includes("grafana/agent:") && !image.endsWith("reloader:v0.67.1")),
    );
    expect(required(withThanos)).toEqual([...REQUIRED, THANOS].sort());
  });

  it("is reproducible, and only dependencies outside the chart are fetched", async () => {
    const again = await packageIt("again");

    expect(again.digest).toBe(chart.digest);
    expect(
      repository.requests
        .slice(0, asked)
        .filter((path) => path.endsWith(".tgz"))
        .sort(),
    ).toEqual([
      "/grafana/loki-5.43.0.tgz",
      "/grafana/promtail-6.15.0.tgz",
      "/prometheus-community/kube-prometheus-stack-69.3.1.tgz",
    ]);
  });

  it.runIf(process.getuid?.() === 0)("renders without any network once it is packaged", async () => {
    const namespace = ["--namespace", "monitoring", "--include-crds", "--kube-version", "v1.30.2"];
    const argv = ["-n", helm.program, "template", "viola-monitoring", chart.file, ...namespace];

    expect(await mustRun("unshare", argv)).toContain("# Source: kube-prometheus-stack/charts/loki/");
  });
});
