// The nodes of a Kind cluster, found by the labels that Kind puts on their containers.
import type { ClusterNode } from "../../core/load/node.js";
import { ManyErrors, settleAll, ViolaError } from "../../errors.js";
import type { ContainerSummary, DockerEngine } from "../docker/engine.js";
import { connectCtrNode } from "./ctr-node.js";
import { hostAddresses } from "../bundle-registry/host-addresses.js";

// https://github.com/kubernetes-sigs/kind/blob/main/pkg/cluster/internal/providers/docker/constants.go
const CLUSTER_LABEL = "io.x-k8s.kind.cluster";
const ROLE_LABEL = "io.x-k8s.kind.role";
/** The proxy in front of several control planes. It does not run containerd. */
const LOAD_BALANCER_ROLE = "external-load-balancer";
/**
 * The name of the host for containers, where the engine runs in a virtual machine, as in Docker
 * Desktop.
 */
const DESKTOP_HOST = "host.docker.internal";

/**
 * Returns the nodes of the cluster, sorted by name. Without a cluster name, uses the only cluster,
 * or the cluster named `kind`.
 * Throws `CLUSTER_NOT_FOUND`, which lists the existing clusters, and `NODE_LOAD_FAILED` for every
 * node that is not running or does not respond.
 */
export async function findKindNodes(
  engine: DockerEngine,
  cluster: string | undefined,
  signal: AbortSignal,
): Promise<readonly ClusterNode[]> {
  const containers = await engine.listContainers(CLUSTER_LABEL, signal);
  const name = chooseCluster(containers, cluster);
  const members = containers
    .filter(({ labels }) => labels[CLUSTER_LABEL] === name && labels[ROLE_LABEL] !== LOAD_BALANCER_ROLE)
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const stopped = members.filter((member) => member.state !== "running").map(stoppedError);
  if (stopped.length > 0) {
    throw stopped.length === 1 && stopped[0] ? stopped[0] : new ManyErrors("nodes are not running", stopped);
  }
  return await settleAll(
    "nodes do not respond",
    members.map((member) => describeNode(engine, member, signal)),
  );
}

/**
 * Returns the name of the cluster that `findKindNodes` would use. Throws `CLUSTER_NOT_FOUND`.
 */
export async function findKindCluster(
  engine: Pick<DockerEngine, "listContainers">,
  cluster: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  return chooseCluster(await engine.listContainers(CLUSTER_LABEL, signal), cluster);
}

/** Returns the names of all Kind clusters on the engine, sorted. */
export async function findKindClusters(
  engine: DockerEngine,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return clustersOf(await engine.listContainers(CLUSTER_LABEL, signal));
}

function clustersOf(containers: readonly ContainerSummary[]): readonly string[] {
  return [...new Set(containers.map(({ labels }) => labels[CLUSTER_LABEL] ?? ""))].sort();
}

function chooseCluster(containers: readonly ContainerSummary[], wanted: string | undefined): string {
  const existing = clustersOf(containers);
  if (wanted !== undefined && existing.includes(wanted)) return wanted;
  const [only] = existing;
  if (wanted === undefined && existing.length === 1 && only !== undefined) return only;
  if (wanted === undefined && existing.includes("kind")) return "kind";
  const subject = `kind${wanted === undefined ? "" : `:${wanted}`}`;
  const there =
    existing.length === 0 ? "this engine has no Kind cluster" : `this engine has ${existing.join(", ")}`;
  const message =
    wanted === undefined && existing.length > 0
      ? `the Kind cluster must be specified; ${there}`
      : `Kind cluster "${wanted ?? "kind"}" does not exist; ${there}`;
  throw new ViolaError("CLUSTER_NOT_FOUND", message, {
    subject,
    hint:
      existing.length === 0
        ? "Create one with `kind create cluster`, or choose another engine with DOCKER_HOST."
        : "Specify one as kind:CLUSTER.",
  });
}

function stoppedError({ name, state }: ContainerSummary): ViolaError {
  return new ViolaError("NODE_LOAD_FAILED", `node ${name} is not running (${state})`, {
    subject: name,
    hint:
      state === "paused" ? `Unpause it with: docker unpause ${name}` : `Start it with: docker start ${name}`,
  });
}

async function describeNode(
  engine: DockerEngine,
  { id, name }: ContainerSummary,
  signal: AbortSignal,
): Promise<ClusterNode> {
  const gateways = await engine.findGateways(id, signal);
  return connectCtrNode(
    engine.shellIn(id),
    {
      name,
      hostAddresses: [...new Set([...gateways, DESKTOP_HOST, ...hostAddresses()])],
      hint: `See its state with docker ps -a, and its log with docker logs ${name}`,
    },
    signal,
  );
}
