// The configuration of a Kind cluster for one rehearsal, in the format of `kind create cluster
// --config`.
import { isMap, isSeq, stringify, type Document } from "yaml";
import { ViolaError } from "../../errors.js";
import { formatYaml, parseYaml, UnusableYaml } from "../parse-yaml.js";

/**
 * Makes containerd read its mirrors from a folder. This is the default since Kind 0.27:
 * https://kind.sigs.k8s.io/docs/user/local-registry/
 */
const CONFIG_PATH_PATCH = `[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
`;

/** Three workers, because some charts require their three replicas to run on different nodes. */
const ROLES = ["control-plane", "worker", "worker", "worker"];

/** Returns the default node image for a Kubernetes version. */
function nodeImageOf(kubeVersion: string): string {
  return `kindest/node:v${kubeVersion.replace(/^v/, "")}`;
}

/**
 * Returns the configuration for a cluster of this name. Without a configuration from the user, the
 * cluster has one control plane and three workers, and runs the bundle's Kubernetes version if that
 * version is complete (MAJOR.MINOR.PATCH).
 * Throws `USAGE` when `userConfig` is not the configuration of a cluster.
 */
export function kindConfig(name: string, kubeVersion: string | undefined, userConfig?: string): string {
  try {
    const document: Document = parseYaml(userConfig ?? defaultConfig(kubeVersion));
    if (!isMap(document.contents) || document.get("kind") !== "Cluster") throw notCluster(document.errors[0]);
    document.set("name", name);
    const patches = document.get("containerdConfigPatches");
    if (isSeq(patches)) patches.add(document.createNode(CONFIG_PATH_PATCH));
    else document.set("containerdConfigPatches", document.createNode([CONFIG_PATH_PATCH]));
    return formatYaml(document);
  } catch (cause) {
    throw cause instanceof UnusableYaml ? notCluster(cause) : cause;
  }
}

function notCluster(cause: Error | undefined): ViolaError {
  const what = cause instanceof UnusableYaml ? cause.message : "has no `kind: Cluster`";
  return new ViolaError("USAGE", `the Kind configuration ${what}`, {
    subject: "--kind-config",
    hint: "See https://kind.sigs.k8s.io/docs/user/configuration/",
    cause,
  });
}

function defaultConfig(kubeVersion: string | undefined): string {
  const isWhole = kubeVersion !== undefined && /^v?\d+\.\d+\.\d+$/.test(kubeVersion);
  return stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    nodes: ROLES.map((role) => ({ role, ...(isWhole && { image: nodeImageOf(kubeVersion) }) })),
  });
}
