// `images` as a user runs it: unknown operators, the origin of an image, and the effect of values.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startChartRepository, type ChartRepository } from "../../scripts/parts/chart-repository.js";
import type { Findings } from "../../src/core/images/image-use.js";
import { runCli } from "../support/cli.js";
import { needs } from "../support/parts.js";
import { ROOT, sharedPath } from "../support/paths.js";
import type { RunResult } from "../support/run.js";
import { VIOLA_REQUIRED, writeViolaSpec } from "./viola-run.js";

const run = (...args: readonly string[]): Promise<RunResult> => runCli(["images", ...args]);

(await needs("helm"))("images of a chart with an operator that nobody knows", () => {
  const chart = join(ROOT, "test/fixtures/charts/unknown-operator");

  it("has a warning, which is an error with --strict", async () => {
    const [lenient, strict, json] = await Promise.all([
      run(chart),
      run(chart, "--strict"),
      run(chart, "--strict", "--json"),
    ]);

    expect([lenient.code, strict.code, json.code]).toEqual([0, 1, 1]);
    expect(lenient.stdout).toContain("unknown-operator");
    expect((JSON.parse(json.stdout) as Findings).warnings).toMatchObject([
      { code: "unknown-operator", object: "Deployment unknown-operator", incomplete: true },
    ]);
  });

  it("has the warning and the exit code also with --why", async () => {
    const image = "registry.example/acme/unknown-operator:1.0";
    const [lenient, strict] = await Promise.all([
      run(chart, "--why", image, "--json"),
      run(chart, "--why", image, "--json", "--strict"),
    ]);

    expect([lenient.code, strict.code]).toEqual([0, 1]);
    expect(JSON.parse(lenient.stdout)).toMatchObject({
      images: [{ normalized: image }],
      warnings: [{ code: "unknown-operator" }],
    });
  });

  it("reports images of the same repository when the image is not used", async () => {
    const wanted = "registry.example/acme/unknown-operator:9.9";
    const [text, json] = await Promise.all([
      run(chart, "--why", wanted),
      run(chart, "--why", wanted, "--json"),
    ]);

    expect([text.code, json.code]).toEqual([1, 1]);
    expect(text.stdout).toContain("registry.example/acme/unknown-operator:1.0");
    expect(JSON.parse(json.stdout)).toMatchObject({
      images: [],
      near: ["registry.example/acme/unknown-operator:1.0"],
    });
  });
});

(await needs("helm", "shared"))("images of the viola stack", () => {
  const RELOADER = "quay.io/prometheus-operator/prometheus-config-reloader:v0.67.1";
  const THANOS = "quay.io/thanos/thanos:v0.37.2";
  let charts: ChartRepository;
  let folder: string;
  let spec: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-images-"));
    charts = await startChartRepository(sharedPath("chart-repos"));
    spec = join(folder, "bundle.yaml");
    await writeViolaSpec(spec, charts.url);
  });
  afterAll(async () => {
    await charts.close();
    await rm(folder, { recursive: true });
  });

  const required = async (...more: readonly string[]): Promise<readonly string[]> => {
    const { code, stdout, stderr } = await run(spec, "--json", ...more);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    return (JSON.parse(stdout) as Findings).images
      .filter((image) => image.required)
      .map(({ normalized }) => normalized);
  };

  it("are 17, and the list is complete", async () => {
    expect(await required("--strict")).toEqual(VIOLA_REQUIRED);
  });

  it("have the rule, the operator's Deployment and the custom resource as evidence of a hidden image", async () => {
    const [text, json] = await Promise.all([
      run(spec, "--why", RELOADER),
      run(spec, "--why", RELOADER, "--json"),
    ]);

    expect([text.code, json.code]).toEqual([0, 0]);
    for (const part of [
      "operator:grafana-agent-operator",
      "Deployment viola-monitoring-grafana-agent-operator",
      "GrafanaAgent monitoring/viola-monitoring-loki",
    ]) {
      expect(text.stdout).toContain(part);
    }
    const [image] = (JSON.parse(json.stdout) as Findings).images;
    expect(image).toMatchObject({
      normalized: RELOADER,
      required: true,
      evidence: [
        { rule: "operator:grafana-agent-operator", object: "GrafanaAgent monitoring/viola-monitoring-loki" },
      ],
    });
    expect(image?.evidence[0]?.because).toContain("Deployment viola-monitoring-grafana-agent-operator");
  });

  it("are two fewer without self monitoring, and one more with Thanos", async () => {
    const [withoutAgent, withThanos] = await Promise.all([
      // The chart rejects its own test without self monitoring.
      required(
        ...["--set", "loki.monitoring.selfMonitoring.enabled=false"],
        ...["--set", "loki.test.enabled=false"],
      ),
      required("--set", "prometheus.prometheusSpec.thanos.objectStorageConfig.secret.type=S3"),
    ]);

    expect(withoutAgent).toEqual(
      VIOLA_REQUIRED.filter((image) => image !== RELOADER && image !== "docker.io/grafana/agent:v0.39.1"),
    );
    expect(withThanos).toEqual([...VIOLA_REQUIRED, THANOS].sort());
  });
});
