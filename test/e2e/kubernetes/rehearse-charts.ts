// Rehearsals of charts made for the test: unknown operators, Pods that do not start, records, clusters
// made with kind, and interruptions at every step.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stringify } from "yaml";
import { beforeAll, expect, it } from "vitest";
import type { AuditReport } from "../../../src/core/audit/report.js";
import { parseOperatorRule } from "../../../src/core/finding/operator-rules.js";
import type { InstallReport } from "../../../src/workflows/install/install.js";
import type { RehearsalReport } from "../../../src/workflows/rehearse/rehearse.js";
import { runCli, startCli } from "../../support/cli.js";
import { kindEnvironment, type Kube } from "../../support/kube.js";
import { registries } from "../../support/parts.js";
import { sharedPath } from "../../support/paths.js";
import { mustRun, type RunResult } from "../../support/run.js";
import { LIVE_PREFIX, type ViolaRun } from "../viola-run.js";
import { deployment } from "./objects.js";
import { HIDDEN, rehearsing } from "./rehearsing.js";
import type { Cluster } from "./stage.js";

const SERVER = "docker.io/nginxinc/nginx-unprivileged:1.24-alpine";

/** Leaves the cluster as it was. */
export function testChartRehearsals(cluster: () => Cluster): void {
  let viola: ViolaRun;
  let kube: Kube;
  const { target, rehearse } = rehearsing(cluster);

  beforeAll(async () => {
    ({ viola, kube } = cluster());
    const live = `docker://${registries().plain}/${LIVE_PREFIX}`;
    await mustRun("skopeo", [
      ...["copy", "--src-tls-verify=false", "--dest-tls-verify=false"],
      `${live}/docker.io/grafana/agent-operator:v0.39.1`,
      `${live}/registry.example/acme/conductor:1.0`,
    ]);
  });
  it("finds the images of an unknown operator for a bundle and for a spec, and drafts its rule", async () => {
    const archive = sharedPath("chart-repos/grafana/grafana-agent-operator-0.3.15.tgz");
    await mustRun("tar", ["-xzf", archive, "-C", viola.folder]);
    const spec = await writeChart("acme", acmeChart());
    const bundle = join(viola.folder, "acme.bundle");
    expect(await viola.cli("build", spec, "-o", bundle)).toMatchObject({ code: 0 });

    for (const subject of [spec, bundle]) {
      const { code, report } = await rehearse(subject);
      expect(report.missing.map(({ normalized }) => normalized)).toEqual(HIDDEN);
      expect(report.asked).toMatchObject([{ normalized: "registry.example/acme/conductor:1.0" }]);
      expect(report.drafts.map(({ id, yaml }) => parseOperatorRule(yaml, `${id}.yaml`))).toMatchObject([
        {
          repository: "acme/conductor",
          images: HIDDEN.map((image) => ({
            reference: image.replace(/^docker\.io\//, ""),
            when: [{ group: "monitoring.grafana.com", kind: "GrafanaAgent" }],
          })),
        },
      ]);
      expect(report).toMatchObject({ outcome: "missing", pending: [], stayed: [] });
      expect(code).toBe(1);
    }
  });

  it("distinguishes crashing Pods and hooks that do not end from missing images", async () => {
    const crashing = deployment("crashing", SERVER, { command: ["/no/such/program"] });
    const spec = await writeChart("crashing", { templates: [crashing, endlessHook(SERVER)] });
    const { code, report } = await rehearse(spec, "--timeout", "20s");

    expect(report).toMatchObject({ outcome: "not-ready", missing: [], asked: [{ normalized: SERVER }] });
    expect(report.pending).toContainEqual(
      expect.objectContaining({ kind: "Pod", name: expect.stringMatching(/^crashing-/) as string }),
    );
    expect(report.releases).toMatchObject([{ message: expect.any(String) as string }]);
    expect(code).toBe(1);
  });

  it("writes a record to the bundle, and the isolated host reports the differences from it", async () => {
    const spec = await writeChart("there", { templates: [deployment("server", SERVER)] });
    const record = join(viola.folder, "record.json");
    const rehearsed = await rehearse(spec, "--out", record, "--set", "a=1");
    expect(rehearsed).toMatchObject({ code: 0, report: { outcome: "complete", missing: [] } });

    const bundle = join(viola.folder, "there.bundle");
    const twin = join(viola.folder, "twin.bundle");
    for (const file of [bundle, twin]) {
      expect(await viola.cli("build", spec, "-o", file, "--rehearsal", record)).toMatchObject({ code: 0 });
    }
    const { stdout: audit } = await viola.cli("audit", bundle, "--json");
    const install = async (...args: readonly string[]): Promise<InstallReport> => {
      const { code, stdout } = await viola.cli("load", bundle, "--install", ...args, "--json", ...target());
      expect(code).toBe(0);
      return (JSON.parse(stdout) as { readonly install: InstallReport }).install;
    };
    const asRehearsed = await install("--set", "a=1");
    const otherwise = await install("--set", "a=2");

    expect(await readFile(twin)).toEqual(await readFile(bundle));
    expect((JSON.parse(audit) as AuditReport).images[0]?.evidence).toContainEqual(
      expect.objectContaining({ rule: "rehearsed", object: "Deployment there/server" }),
    );
    expect(asRehearsed.rehearsal).toMatchObject({
      outcome: "complete",
      containerd: ["1.7.24"],
      differences: [],
    });
    expect(otherwise.rehearsal?.differences).toEqual([expect.stringContaining("--set differs for a")]);

    // An existing release belongs to the user, so it is refused and not changed.
    expect(await viola.cli("rehearse", bundle, ...target())).toMatchObject({ code: 2 });
    const { stdout } = await kube.kubectl("get", "pods", "--namespace=there", "--output=name");
    expect(stdout).toContain("pod/server");
    await kube.kubectl("delete", "namespace", "there");
    const unload = (): Promise<RunResult> => viola.cli("unload", bundle, ...target());
    await expect
      .poll(async () => (await unload()).stdout, { timeout: 120_000, interval: 2_000 })
      .not.toContain("kept:");
  });

  it("creates a cluster with kind if none is specified, and deletes it, also after an interruption", async () => {
    const spec = await writeChart("made", { templates: [deployment("server", SERVER)] });
    const options = { env: await kindEnvironment() } as const;
    const args = ["rehearse", spec, "--json", "--config", viola.settings];
    const ownNodes = async (): Promise<readonly string[]> => {
      const names = await mustRun("docker", ["ps", "--all", "--format={{.Names}}"]);
      return names.split("\n").filter((name) => name.startsWith("viola-rehearsal-"));
    };

    const { code, stdout } = await runCli(args, options);
    const report = JSON.parse(stdout) as RehearsalReport;
    expect(report).toMatchObject({ outcome: "complete", context: expect.stringMatching(/^kind-/) as string });
    expect(code).toBe(0);
    expect(await ownNodes()).toEqual([]);

    const interrupted = startCli(args, options);
    await expect.poll(ownNodes, { timeout: 60_000 }).not.toEqual([]);
    interrupted.process.kill("SIGINT");
    expect(await interrupted.result).toMatchObject({ code: 130 });
    expect(await ownNodes()).toEqual([]);

    const env = { ...options.env, PATH: viola.folder };
    expect(await runCli(args, { ...options, env })).toMatchObject({ code: 2 });
  });

  const get = async (...args: readonly string[]): Promise<string> =>
    (await kube.kubectl("get", ...args, "--ignore-not-found")).stdout;
  const inNamespace = (kind: string, path: string): Promise<string> =>
    get(kind, "--namespace=short", `--output=jsonpath={.items[*]${path}}`);

  it.each<[string, (said: () => string) => boolean | Promise<boolean>]>([
    ["it is started", () => true],
    ["it says what it does", (said) => said() !== ""],
    ["a node has its mirror", hasMirror],
    ["there is a namespace", async () => (await get("namespace", "short")) !== ""],
    ["there is a release", async () => (await inNamespace("secrets", ".type")).includes("helm.sh/release")],
    ["there is a Pod", async () => (await inNamespace("pods", ".metadata.name")) !== ""],
    ["a Pod is scheduled", async () => (await inNamespace("pods", ".spec.nodeName")) !== ""],
    ["an image is pulled", async () => (await inNamespace("events", ".reason")).includes("Pulled")],
    ["a Pod runs", async () => (await inNamespace("pods", ".status.phase")).includes("Running")],
    ["it puts things back", async () => (await get("namespace", "short")).includes("Terminating")],
  ])("leaves nothing when it is interrupted as soon as %s", async (_, isReached) => {
    const spec = await writeChart("short", { templates: [deployment("server", SERVER)] });
    const running = viola.start("rehearse", spec, ...target());
    let said = "";
    running.process.stderr.on("data", (text: Buffer) => (said += text.toString()));
    let isOver = false;
    void running.result.then(() => (isOver = true));
    try {
      while (!(await isReached(() => said))) {
        expect(isOver, said).toBe(false);
        await delay(50);
      }
    } finally {
      running.process.kill("SIGINT");
      await running.result;
    }

    expect([0, 130]).toContain((await running.result).code);
  });

  async function hasMirror(): Promise<boolean> {
    const script = "ls -d /etc/containerd/certs.d/_default || :";
    return (await kube.exec(kube.nodes.at(-1) ?? "", "sh", "-c", script)) !== "";
  }

  /** Writes a chart, and the spec of a bundle with only this chart. */
  async function writeChart(
    name: string,
    {
      templates,
      ...parts
    }: { readonly templates: readonly object[]; readonly chart?: object; readonly values?: object },
  ): Promise<string> {
    const folder = join(viola.folder, name);
    await mkdir(join(folder, "templates"), { recursive: true });
    const chart = { apiVersion: "v2", name, version: "1.0.0" };
    await writeFile(join(folder, "Chart.yaml"), stringify(chart));
    await writeFile(
      join(folder, "templates", "all.yaml"),
      templates.map((one) => JSON.stringify(one)).join("\n---\n"),
    );
    const spec = join(viola.folder, `${name}.yaml`);
    const entry = {
      chart: `./${name}`,
      release: name,
      namespace: name,
      ...parts.chart,
      values: parts.values ?? {},
    };
    await writeFile(spec, stringify({ name, version: "1.0.0", platforms: ["linux/amd64"], charts: [entry] }));
    return spec;
  }
}

/** Grafana's agent operator under another name, and an agent that it starts. */
function acmeChart(): {
  readonly templates: readonly object[];
  readonly chart: object;
  readonly values: object;
} {
  const labels = { logs: "acme" };
  const group = "monitoring.grafana.com/v1alpha1";
  return {
    chart: {
      dependencies: [
        {
          name: "grafana-agent-operator",
          version: "0.3.15",
          repository: "file://grafana-agent-operator",
        },
      ],
    },
    values: {
      "grafana-agent-operator": {
        image: { registry: "registry.example", repository: "acme/conductor", tag: "1.0" },
      },
    },
    templates: [
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "agent" } },
      {
        apiVersion: group,
        kind: "GrafanaAgent",
        metadata: { name: "acme" },
        spec: { serviceAccountName: "agent", logs: { instanceSelector: { matchLabels: labels } } },
      },
      {
        apiVersion: group,
        kind: "LogsInstance",
        metadata: { name: "acme", labels },
        spec: { clients: [{ url: "http://nowhere.invalid" }], podLogsSelector: { matchLabels: labels } },
      },
    ],
  };
}

/** A Job that Helm waits for after installing, and that does not end. */
function endlessHook(image: string): object {
  const spec = {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image }],
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "endless", annotations: { "helm.sh/hook": "post-install" } },
    spec: { template: { spec } },
  };
}
