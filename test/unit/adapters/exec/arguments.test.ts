// No name from outside is an option of another program: each call is made with names that begin like
// one, by programs that record their arguments. A name stands behind `--` or in `--option=NAME`.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { localShell } from "../../../../src/adapters/exec/local-shell.js";
import { HelmChartTool } from "../../../../src/adapters/helm/helm-chart-tool.js";
import { HelmReleaseTool } from "../../../../src/adapters/helm/install-release.js";
import { Kubectl } from "../../../../src/adapters/kube/kubectl.js";
import { connectCtrNode } from "../../../../src/adapters/nodes/ctr-node.js";
import { createKindCluster } from "../../../../src/adapters/nodes/kind-create.js";
import { podmanStore } from "../../../../src/adapters/podman/podman-store.js";
import { runCredentialHelper } from "../../../../src/adapters/registry/credential-helper.js";
import type { ChartSource } from "../../../../src/core/charts/chart.js";
import { ROOT } from "../../../support/paths.js";

const EVIL = "--evil";
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "viola-arguments-"));
const bin = join(folder, "bin");
const log = join(folder, "log");
const env = { PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: folder, TMPDIR: folder };

/** An answer that fits every question that kubectl is asked for JSON. */
const object = {
  metadata: {
    name: `${EVIL}-object`,
    namespace: `${EVIL}-place`,
    managedFields: [{ manager: "maker", time: "1" }],
  },
  status: { phase: "Released" },
};
const ANSWERS: Readonly<Record<string, string>> = {
  kubectl: `case "$*" in
    *--output=name*) echo "claim/${EVIL}-claim" ;;
    *current-context*) echo "${EVIL}-current" ;;
    *) echo '${JSON.stringify({
      items: [object],
      serverVersion: { gitVersion: "v1.30.2" },
      status: { phase: "Active" },
      spec: { containers: [{}] },
    })}' ;; esac`,
  helm: `case "$*" in
    *"repo list"*) echo '[{"name":"${EVIL}-repo","url":"https://known.invalid"}]' ;;
    *history*) echo '[{"revision":1,"status":"deployed"}]' ;;
    *) echo stopped >&2; exit 1 ;; esac`,
  ctr: `case "$*" in
    *"fetch --help"*) echo --skip-metadata ;;
    *"images import"*) cat >/dev/null ;; esac`,
  containerd: `echo "config_path = '${folder}/certs.d'"`,
  podman: `echo "[]"`,
  kind: "exit 1",
  "docker-credential-evil": "exit 1",
};

beforeAll(() => {
  mkdirSync(bin);
  for (const [name, answer] of Object.entries(ANSWERS)) {
    const program = join(bin, name);
    writeFileSync(
      program,
      `#!/bin/sh\n{ printf '%s' '${name}'; printf '\\037%s' "$@"; printf '\\n'; } >> ${log}\n${answer}\n`,
    );
    chmodSync(program, 0o755);
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function callHelm(): Promise<void> {
  const helm = join(bin, "helm");
  const settings = { insecure: ["known.invalid"] };
  const charts = new HelmChartTool({ helm, environment: env, settings });
  const valuesFiles = [`/${EVIL}-values`];
  const set = [`${EVIL}-set`];
  const input = { release: `${EVIL}-release`, namespace: `${EVIL}-namespace`, valuesFiles, set };
  const versions = { kubeVersion: `${EVIL}-kube`, apiVersions: [`${EVIL}-api`] };
  const chart = { name: EVIL, version: EVIL, file: `${EVIL}-file` };
  await charts.renderChart(chart, { ...input, ...versions }, signal).catch(() => undefined);
  const inside = join(folder, `${EVIL}-chart`);
  mkdirSync(inside);
  const dependencies = [
    { name: `${EVIL}-dependency`, version: `${EVIL}-range`, repository: `https://x.invalid/${EVIL}` },
    { name: "other", version: `${EVIL}-range`, repository: `oci://x.invalid/${EVIL}` },
  ];
  writeFileSync(
    join(inside, "Chart.yaml"),
    JSON.stringify({ apiVersion: "v2", name: "a", version: "1.0.0", dependencies }),
  );
  const version = `${EVIL}-version`;
  const sources: readonly ChartSource[] = [
    { kind: "repository", repository: `https://x.invalid/${EVIL}`, name: `${EVIL}-name`, version },
    { kind: "repository", repository: "https://known.invalid", name: `${EVIL}-name`, version },
    { kind: "oci", reference: `oci://x.invalid/${EVIL}`, version },
    { kind: "folder", folder: inside },
  ];
  for (const source of sources) {
    await charts
      .packageChart(source, [], { directory: join(folder, "charts") }, signal)
      .catch(() => undefined);
  }
  for (const helmVersion of ["v3.17.1", "v4.1.0"]) {
    const releases = new HelmReleaseTool({
      helm: { program: helm, version: helmVersion },
      cluster: { context: `${EVIL}-context`, kubeconfig: `${EVIL}-kubeconfig` },
      environment: env,
      postRenderCommand: ["node", `${EVIL}-main`],
    });
    const name = { name: `${EVIL}-release`, namespace: `${EVIL}-namespace` };
    await releases.releaseState(name, signal);
    const removal = { timeoutSeconds: 1, runsHooks: false, isWaiting: true };
    await Promise.allSettled([
      releases.isInstalled(name, signal),
      releases.installedCharts(name, signal),
      releases.remove(name, removal, signal),
      releases.definitionsOf(`${EVIL}-file`, signal),
    ]);
    const install = {
      ...input,
      chartFile: `${EVIL}-chart`,
      isPatched: true,
      isFirst: true,
      timeoutSeconds: 1,
    };
    await Promise.allSettled([
      releases.uninstall(name, signal),
      releases.test(name, { timeoutSeconds: 1 }, signal),
      releases.install(install, signal),
      releases.isInstalled(name, signal),
      releases.installedCharts(name, signal),
      releases.remove(name, { timeoutSeconds: 1, runsHooks: false, isWaiting: true }, signal),
      releases.definitionsOf(`${EVIL}-chart`, signal),
    ]);
  }
}

async function callKubectl(): Promise<void> {
  const program = { program: join(bin, "kubectl") };
  const choice = { kubeconfig: `${EVIL}-kubeconfig` };
  await Kubectl.connect(program, choice, `${EVIL}-preferred`, signal);
  const cluster = await Kubectl.connect(
    program,
    { ...choice, context: `${EVIL}-context` },
    undefined,
    signal,
  );
  const namespace = `${EVIL}-namespace`;
  await cluster.describe(signal);
  await cluster.nodes(signal);
  await cluster.namespacePhase(namespace, signal);
  await cluster.alwaysPulls(namespace, signal);
  await cluster.workloads(namespace, signal);
  await cluster.workloadsWithMakers(namespace, signal);
  await cluster.warnings(namespace, signal);
  await cluster.claims(namespace, signal);
  await cluster.volumes(signal);
  await cluster.findExisting("kind: Pod", signal);
  await cluster.pods(signal);
  await cluster.snapshot([namespace], signal);
  const left = await cluster.restore(
    {
      namespaces: [
        { name: namespace, wasThere: false, claims: new Set() },
        { name: namespace, wasThere: true, claims: new Set() },
      ],
      definitions: new Set(),
      freeVolumes: new Set([`${EVIL}-object`]),
      services: new Set(),
    },
    { objects: [{ apiVersion: "v1", kind: "Pod", name: EVIL, namespace }], makers: new Set(["maker"]) },
    signal,
  );
  expect(left).toEqual([]);
}

async function callNode(): Promise<void> {
  const facts = { name: EVIL, hostAddresses: [], hint: "" };
  const node = await connectCtrNode(localShell(env), facts, signal);
  const name = `${EVIL}/name:1`;
  const bundle = `${EVIL}-bundle`;
  const wanted = [{ name, platform: `${EVIL}/platform` }];
  await node.completeImages([name], signal);
  await node.presentBlobs(signal);
  await node.freeSpace(signal);
  await node.findReachable(["http://127.0.0.1:1"], name, signal);
  await node.fetchImages(wanted, { endpoint: "http://127.0.0.1:1", bundle, concurrency: 1 }, signal);
  const archive = (async function* () {
    yield await Promise.resolve(Buffer.from("archive"));
  })();
  await node.importImages(wanted, { archive, bundle }, signal);
  await node.unpackImages([`${EVIL}-digest`], signal);
  await node.addBundleLabel([name], bundle, signal);
  await node.removeBundleLabel([name], bundle, signal);
  await node.removeImages([name], signal);
  await node.listImages(signal);
  await node.usedImages(signal);
  await (await node.mirrorAll("http://127.0.0.1:1", signal)).lift();
}

it("puts every name behind -- or behind the = of an option", async () => {
  await callHelm();
  await callKubectl();
  await callNode();
  await podmanStore(env).removeImage(`${EVIL}-name`, signal);
  const kind = { name: `${EVIL}-name`, config: `${EVIL}-config`, kubeconfig: `${EVIL}-kubeconfig` };
  await createKindCluster(kind, env, { signal }).catch(() => undefined);
  await runCredentialHelper("evil", EVIL, { env });

  const calls = readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\u001f"));
  expect(new Set(calls.map(([program]) => program))).toEqual(new Set(Object.keys(ANSWERS)));
  const wrong = calls.filter(([, ...args]) => {
    const end = args.indexOf("--");
    const options = end < 0 ? args : args.slice(0, end);
    return options.some((arg) => arg.includes(EVIL) && !/^--[a-z-]+=/.test(arg.slice(0, arg.indexOf(EVIL))));
  });
  expect(wrong).toEqual([]);
  const named = calls.filter((args) => args.some((arg) => arg.includes(EVIL)));
  expect(named.length).toBeGreaterThan(40);
});

it("knows every file that starts programs", () => {
  const source = join(ROOT, "src");
  const starting = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .filter((file) =>
      /\b(?:runProcess|spawn|execFile|fork)\(|\.exec\(\[|\.exec\(argv|shell\.(?:exec|open)\(/.test(
        readFileSync(join(source, file), "utf8"),
      ),
    );
  expect(starting.map((file) => relative(source, join(source, file))).sort()).toEqual([
    // The engine runs what the shell of a node is given.
    "adapters/exec/local-shell.ts",
    "adapters/exec/shell.ts",
    "adapters/helm/find-helm.ts",
    "adapters/helm/helm-runner.ts",
    "adapters/helm/install-release.ts",
    "adapters/kube/kubectl.ts",
    "adapters/nodes/ctr-node.ts",
    "adapters/nodes/kind-create.ts",
    "adapters/nodes/node-jobs.ts",
    "adapters/podman/podman-store.ts",
    // Passes the id of a process, which is a number.
    "adapters/programs/process-identity.ts",
    "adapters/programs/run-process.ts",
    // The shell runs the command of the user.
    "adapters/programs/sign-command.ts",
    "adapters/registry/credential-helper.ts",
  ]);
});
