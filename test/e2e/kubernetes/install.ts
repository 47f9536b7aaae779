// The isolated host: the viola stack from the file to thirty running Pods, and the reasons not to
// begin.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import type { InstallReport } from "../../../src/workflows/install/install.js";
import type { Kube } from "../../support/kube.js";
import type { RunResult } from "../../support/run.js";
import { VIOLA_REQUIRED, type ViolaRun } from "../viola-run.js";
import { takeAway, type Stage } from "./stage.js";

const HIDDEN = "quay.io/prometheus-operator/prometheus-config-reloader:v0.67.1";
const PODS = 30;

/** Removes the stack at the end. */
export function testInstall(stage: () => Stage): void {
  let viola: ViolaRun;
  let kube: Kube;
  let bundle: string;

  beforeAll(() => {
    ({ viola, kube, bundle } = stage());
  });

  const load = (file: string, ...args: readonly string[]): Promise<RunResult> =>
    viola.cli(
      "load",
      file,
      "--to",
      `kind:${kube.cluster}`,
      "--install",
      "--json",
      ...onCluster(kube),
      ...args,
    );
  const expectNothingApplied = async (): Promise<void> => {
    const { stdout } = await kube.kubectl("get", "namespaces,crds", "--output=name");
    expect(stdout).not.toMatch(/monitoring/);
  };

  it("refuses a bundle without an image that an operator starts, and applies nothing", async () => {
    const spec = join(viola.folder, "without.yaml");
    const exclusion = `\nimages: { exclude: [{ image: "${HIDDEN}", reason: a test }] }\n`;
    await writeFile(spec, (await readFile(viola.spec, "utf8")) + exclusion);
    const without = join(viola.folder, "without.bundle");
    expect(await viola.cli("build", spec, "-o", without)).toMatchObject({ code: 0 });

    const { code, stdout } = await load(without);

    expect(code).toBe(1);
    expect(installOf(stdout)).toMatchObject({
      outcome: "refused",
      refusals: [{ code: "image-missing", subject: HIDDEN }],
    });
    await expectNothingApplied();
  });

  it("refuses values with an image that is missing, and applies nothing", async () => {
    const { code, stdout } = await load(bundle, "--set", "prometheus.prometheusSpec.image.tag=v2.99.0");

    expect(code).toBe(1);
    expect(installOf(stdout)).toMatchObject({
      outcome: "refused",
      refusals: [{ code: "image-missing", subject: "quay.io/prometheus/prometheus:v2.99.0" }],
    });
    await expectNothingApplied();
  });

  it("waits until every Pod runs, and no Pod has pulled an image", async () => {
    const { code, stdout } = await load(bundle);

    expect(installOf(stdout)).toMatchObject({
      outcome: "installed",
      releases: [{ name: "viola-monitoring", outcome: "installed", ready: PODS, pods: PODS, pending: [] }],
    });
    expect(code).toBe(0);
    const reasons = await kube.eventReasons("monitoring");
    expect(reasons).toContain("Started");
    expect(reasons).not.toContain("Pulling");
  });

  it("agrees with the cluster afterwards", async () => {
    const { code, stdout } = await viola.cli(
      "check",
      bundle,
      "--json",
      `--context=kind-${kube.cluster}`,
      ...onCluster(kube),
    );

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ missing: [] });
  });

  it("is an upgrade when it is run again", async () => {
    const { code, stdout } = await load(bundle);

    expect(code).toBe(0);
    expect(installOf(stdout)).toMatchObject({
      releases: [{ outcome: "installed", ready: PODS, pods: PODS }],
    });
  });

  it("is unloaded with all images", async () => {
    await takeAway(stage());

    await expectNothingApplied();
    for (const node of kube.nodes) {
      const images = await kube.exec(node, "ctr", "-n", "k8s.io", "images", "ls", "-q");
      for (const image of VIOLA_REQUIRED) expect(images).not.toContain(image);
    }
  });
}

function onCluster({ kubeconfig }: Kube): readonly string[] {
  return ["--kubeconfig", kubeconfig];
}

function installOf(stdout: string): InstallReport {
  return (JSON.parse(stdout) as { readonly install: InstallReport }).install;
}
