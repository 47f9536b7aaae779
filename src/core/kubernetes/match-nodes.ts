// Matches the machines of a target to the Node objects of a cluster.
import { isRecord, textOf, valueAt, type Json } from "../json.js";

/** A machine and its names; see `ClusterNode`. */
export interface Machine {
  readonly name: string;
  readonly hostNames?: readonly string[];
}

export interface MatchedNodes<M extends Machine> {
  /** Each matched machine with the name of its Node object. */
  readonly pairs: readonly { readonly machine: M; readonly node: string }[];
  /** Machines that are not nodes of the cluster. */
  readonly strangers: readonly M[];
  /** Names of the nodes that match no machine. */
  readonly others: readonly string[];
}

/**
 * Pairs machines with Node objects by name. A machine with `hostNames` is instead matched against
 * the host name label and the addresses of the Node object
 * (https://kubernetes.io/docs/reference/node/node-status/#addresses).
 */
export function matchNodes<M extends Machine>(
  machines: readonly M[],
  objects: readonly Json[],
): MatchedNodes<M> {
  const pairs: { readonly machine: M; readonly node: string }[] = [];
  const strangers: M[] = [];
  const others = new Set(objects.map(nodeName));
  for (const machine of machines) {
    const object = objects.find((one) => others.has(nodeName(one)) && isSame(machine, one));
    if (object === undefined) {
      strangers.push(machine);
      continue;
    }
    const node = nodeName(object);
    pairs.push({ machine, node });
    others.delete(node);
  }
  return { pairs, strangers, others: [...others] };
}

/** Returns the name of a Node object. */
export function nodeName(object: Json): string {
  return textOf(valueAt(object, "metadata.name")) ?? "";
}

function isSame({ name, hostNames }: Machine, object: Json): boolean {
  if (hostNames === undefined) return nodeName(object) === name;
  const labels = valueAt(object, "metadata.labels");
  const addresses = valueAt(object, "status.addresses");
  const known = [
    nodeName(object),
    isRecord(labels) ? labels["kubernetes.io/hostname"] : undefined,
    ...(Array.isArray(addresses) ? addresses.filter(isRecord).map(({ address }) => address) : []),
  ].map((one) => textOf(one)?.toLowerCase());
  return hostNames.some((one) => known.includes(one.toLowerCase()));
}
