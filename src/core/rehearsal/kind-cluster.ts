// The Kind cluster that is made for one rehearsal: its configuration, as `kind create cluster --config` reads it.
import { isMap, isSeq, parseDocument, stringify, type Document } from "yaml";
import { ViolaError } from "../../errors.js";

/** Lets containerd read its mirrors from a folder; Kind does so by itself since 0.27. https://kind.sigs.k8s.io/docs/user/local-registry/ */
const CONFIG_PATH_PATCH = `[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
`;

/** As many workers as charts that keep three replicas apart want. */
const ROLES = ["control-plane", "worker", "worker", "worker"];

/** Where a cluster's nodes come from where its configuration does not say. */
function nodeImageOf(kubeVersion: string): string {
  return `kindest/node:v${kubeVersion.replace(/^v/, "")}`;
}

/**
 * Returns the configuration for a cluster of this name: the user's, else one control plane and three workers, of the bundle's Kubernetes version
 * where that is known whole. Throws `USAGE` for text that is no configuration of a cluster.
 */
export function kindConfig(name: string, kubeVersion: string | undefined, userConfig?: string): string {
  const document: Document = parseDocument(userConfig ?? defaultConfig(kubeVersion));
  if (document.errors.length > 0 || !isMap(document.contents) || document.get("kind") !== "Cluster") {
    throw new ViolaError("USAGE", "the Kind configuration has no `kind: Cluster`", {
      subject: "--kind-config",
      hint: "See https://kind.sigs.k8s.io/docs/user/configuration/",
      cause: document.errors[0],
    });
  }
  document.set("name", name);
  const patches = document.get("containerdConfigPatches");
  if (isSeq(patches)) patches.add(document.createNode(CONFIG_PATH_PATCH));
  else document.set("containerdConfigPatches", document.createNode([CONFIG_PATH_PATCH]));
  return document.toString();
}

function defaultConfig(kubeVersion: string | undefined): string {
  const isWhole = kubeVersion !== undefined && /^v?\d+\.\d+\.\d+$/.test(kubeVersion);
  return stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    nodes: ROLES.map((role) => ({ role, ...(isWhole && { image: nodeImageOf(kubeVersion) }) })),
  });
}
