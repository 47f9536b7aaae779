// Implements RehearsalCluster with the kubectl program.
import * as z from "zod";
import type { OnActivity } from "../../core/activity.js";
import { ViolaError } from "../../errors.js";
import type { ClusterFacts, ClusterRemains } from "../../core/install/cluster.js";
import { valueAt, type Json } from "../../core/json.js";
import { parseAnswer, parseItems } from "./parse-answer.js";
import { restoreSnapshot, takeSnapshot } from "./cluster-snapshot.js";
import { ProcessError, runProcess, type ProcessOptions } from "../programs/run-process.js";
import type {
  ClusterChanges,
  ClusterSnapshot,
  RehearsalCluster,
} from "../../core/rehearsal/cluster-snapshot.js";
import { type ClusterChoice, kubeconfigFlags } from "../../core/install/cluster-choice.js";

/** A server that has not responded after this time is treated as unreachable. */
const REQUEST_TIMEOUT = "--request-timeout=20s";
const WORKLOADS = "pods,deployments,replicasets,statefulsets,daemonsets,jobs";
const HINT = "Check that `kubectl get nodes` works with this kubeconfig and context.";
const REFUSED = /forbidden|unauthorized/i;
const REFUSED_HINT =
  "The API server denied the request. Select a user with the required permissions with --kubeconfig or --context, or log in again.";

const VERSION = z.object({ serverVersion: z.object({ gitVersion: z.string() }) });
const NAMESPACE = z.object({ status: z.object({ phase: z.string() }) });
const POD = z.object({
  spec: z.object({ containers: z.array(z.object({ imagePullPolicy: z.string().exactOptional() })) }),
});

/** The kubectl program to run. */
export interface KubectlProgram {
  /** Absolute path. */
  readonly program: string;
  /** Is notified of every command. */
  readonly onActivity?: OnActivity | undefined;
}

/**
 * A cluster that is accessed with kubectl. kubectl gets the environment of this process, so that
 * credential plugins of the kubeconfig work.
 */
export class Kubectl implements RehearsalCluster, ClusterRemains {
  readonly context: string;
  readonly program: string;
  readonly onActivity: OnActivity | undefined;
  readonly #flags: readonly string[];

  private constructor({ program, onActivity }: KubectlProgram, choice: ClusterChoice, context: string) {
    this.program = program;
    this.onActivity = onActivity;
    this.context = context;
    this.#flags = kubeconfigFlags(choice, "--kubeconfig", "--context");
  }

  /**
   * Uses the context of `choice`. When it has none, uses the context `preferred` if the kubeconfig
   * has it, and otherwise the current context.
   */
  static async connect(
    program: KubectlProgram,
    choice: ClusterChoice,
    preferred: string | undefined,
    signal: AbortSignal,
  ): Promise<Kubectl> {
    if (choice.context !== undefined) return new Kubectl(program, choice, choice.context);
    const flags = kubeconfigFlags(choice, "--kubeconfig", "--context");
    const config = (...args: readonly string[]): Promise<string> =>
      runKubectl({ ...program, context: "(none)" }, [...flags, "config", ...args], { signal });
    const names = preferred === undefined ? [] : (await config("get-contexts", "--output=name")).split("\n");
    const context =
      preferred !== undefined && names.includes(preferred)
        ? preferred
        : (await config("current-context")).trim();
    return new Kubectl(program, { ...choice, context }, context);
  }

  /** See `Cluster`. */
  async describe(signal: AbortSignal): Promise<ClusterFacts> {
    const version = await this.#json(VERSION, ["version"], signal);
    const [versions, resources] = await Promise.all([
      this.#run(["api-versions"], signal),
      this.#run(["api-resources", "--no-headers"], signal),
    ]);
    return {
      version: version.serverVersion.gitVersion,
      apiVersions: [...lines(versions), ...lines(resources).flatMap(kindOf)],
    };
  }

  /** See `Cluster`. */
  async nodes(signal: AbortSignal): Promise<readonly Json[]> {
    return this.#items(["get", "nodes"], signal);
  }

  /** See `Cluster`. */
  async namespacePhase(namespace: string, signal: AbortSignal): Promise<string | undefined> {
    const text = await this.#run(
      ["get", "--ignore-not-found", "--output=json", "--", "namespace", namespace],
      signal,
    );
    return text.trim() === "" ? undefined : parseAnswer(text, NAMESPACE).status.phase;
  }

  /** See `Cluster`. */
  async alwaysPulls(namespace: string, signal: AbortSignal): Promise<boolean | undefined> {
    try {
      const args = [
        "create",
        `--namespace=${namespace}`,
        "--dry-run=server",
        "--output=json",
        "--filename=-",
      ];
      const { spec } = parseAnswer(await this.#run(args, signal, JSON.stringify(PROBE)), POD);
      return spec.containers[0]?.imagePullPolicy === "Always";
    } catch (error) {
      // Another admission rule may reject this Pod. It does not necessarily reject the Pods of the
      // charts.
      if (error instanceof ViolaError && /forbidden|denied|not found/i.test(error.message)) return undefined;
      throw error;
    }
  }

  /** See `Cluster`. */
  async workloads(namespace: string, signal: AbortSignal): Promise<readonly Json[]> {
    return this.#items(["get", WORKLOADS, `--namespace=${namespace}`], signal);
  }

  /** See `Cluster`. */
  async warnings(namespace: string, signal: AbortSignal): Promise<readonly Json[]> {
    const args = ["get", "events", `--namespace=${namespace}`, "--field-selector=type=Warning"];
    return this.#items([...args, "--sort-by=.metadata.creationTimestamp"], signal);
  }

  /** See `RehearsalCluster`. */
  async pods(signal: AbortSignal): Promise<readonly Json[]> {
    return parseItems(await this.allPods(signal));
  }

  /** See `RehearsalCluster`. */
  async workloadsWithMakers(namespace: string, signal: AbortSignal): Promise<readonly Json[]> {
    const args = ["get", WORKLOADS, `--namespace=${namespace}`, "--show-managed-fields"];
    return this.#items(args, signal);
  }

  /** See `RehearsalCluster`. */
  snapshot(namespaces: readonly string[], signal: AbortSignal): Promise<ClusterSnapshot> {
    return takeSnapshot((args) => this.#run(args, signal), namespaces);
  }

  /** See `RehearsalCluster`. */
  restore(
    snapshot: ClusterSnapshot,
    changes: ClusterChanges,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    // Waiting for a deletion takes longer than the request timeout.
    const run = (args: readonly string[], stdin?: string): Promise<string> =>
      runKubectl(this, [...this.#flags, ...args], { signal, ...(stdin !== undefined && { stdin }) });
    return restoreSnapshot(run, snapshot, changes);
  }

  /** Returns the output of `kubectl get pods -A -o json`. */
  allPods(signal: AbortSignal): Promise<string> {
    return this.#run(["get", "pods", "--all-namespaces", "--output=json"], signal);
  }

  /** See `ClusterRemains`. */
  async findExisting(yaml: string, signal: AbortSignal): Promise<readonly string[]> {
    if (yaml.trim() === "") return [];
    return lines(
      await this.#run(["get", "--filename=-", "--ignore-not-found", "--output=name"], signal, yaml),
    );
  }

  /** See `ClusterRemains`. */
  async claims(namespace: string, signal: AbortSignal): Promise<readonly Json[]> {
    return staying(await this.#items(["get", "persistentvolumeclaims", `--namespace=${namespace}`], signal));
  }

  /** See `ClusterRemains`. */
  async volumes(signal: AbortSignal): Promise<readonly Json[]> {
    return staying(await this.#items(["get", "persistentvolumes"], signal));
  }

  async #json<T>(schema: z.ZodType<T>, args: readonly string[], signal: AbortSignal): Promise<T> {
    return parseAnswer(await this.#run([...args, "--output=json"], signal), schema);
  }

  async #items(args: readonly string[], signal: AbortSignal): Promise<readonly Json[]> {
    return parseItems(await this.#run([...args, "--output=json"], signal));
  }

  #run(args: readonly string[], signal: AbortSignal, stdin?: string): Promise<string> {
    const argv = [REQUEST_TIMEOUT, ...this.#flags, ...args];
    return runKubectl(this, argv, { signal, ...(stdin !== undefined && { stdin }) });
  }
}

/**
 * A Pod that every Pod Security Standard permits.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
const PROBE = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "viola-airgap-probe-" },
  spec: {
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "probe",
        image: "registry.invalid/viola-airgap/probe:1",
        imagePullPolicy: "IfNotPresent",
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        resources: { requests: { cpu: "1m", memory: "1Mi" }, limits: { cpu: "1m", memory: "1Mi" } },
      },
    ],
  },
};

async function runKubectl(
  { program, onActivity, context }: KubectlProgram & { readonly context: string },
  args: readonly string[],
  options: Pick<ProcessOptions, "signal" | "stdin">,
): Promise<string> {
  try {
    return (await runProcess([program, ...args], { ...options, onActivity })).stdout;
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    const said = cause.stderrTail.trim().split("\n").at(-1) ?? "";
    const why = said
      .replace(/^error: /i, "")
      .replace(/^Error from server(?: \((\w+)\)(?=:))?/, "$1")
      .replace(/^: /, "");
    throw unreachable(context, why || cause.message, cause);
  }
}

function unreachable(context: string, said: string, cause?: unknown): ViolaError {
  return new ViolaError("CLUSTER_UNREACHABLE", `cluster ${context}: ${said}`, {
    subject: context,
    hint: REFUSED.test(said) ? REFUSED_HINT : HINT,
    cause,
  });
}

/** Parses a line of `api-resources`: NAME [SHORTNAMES] APIVERSION NAMESPACED KIND. */
function kindOf(line: string): readonly string[] {
  const [kind, , apiVersion] = line.trim().split(/\s+/).reverse();
  return kind === undefined || apiVersion === undefined ? [] : [`${apiVersion}/${kind}`];
}

function staying(objects: readonly Json[]): readonly Json[] {
  return objects.filter((object) => valueAt(object, "metadata.deletionTimestamp") === undefined);
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
