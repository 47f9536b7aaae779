// Targets of `load`, `install` and `unload`: as written on the command line, and the nodes behind them.
import type { NodeTarget } from "../core/cluster/node.js";
import { ViolaError } from "../errors.js";
import type { CommandContext } from "./context.js";
import { parseRegistryTarget, type RegistryTarget } from "./push.js";

/** A target of the command line, understood. */
export type Target = NodesTarget | ({ readonly kind: "registry" } & RegistryTarget);

/** A target that is asked, and loaded, node by node. */
export type NodesTarget =
  | { readonly kind: "kind"; readonly cluster?: string }
  | { readonly kind: "containerd"; readonly socket: string }
  | { readonly kind: "k3s" };

export const NODE_TARGETS = "kind[:CLUSTER], containerd[:SOCKET], k3s";
export const TARGETS = `${NODE_TARGETS} or registry://HOST[:PORT][/PREFIX]`;

const DEFAULT_SOCKET = "/run/containerd/containerd.sock";

/** Reads a target. Throws `USAGE`. */
export function parseTarget(text: string): Target {
  if (text.startsWith("registry://")) return { kind: "registry", ...parseRegistryTarget(text) };
  const [, kind, detail] = /^([a-z0-9]+)(?::(.+))?$/.exec(text) ?? [];
  if (kind === "kind") return { kind, ...(detail !== undefined && { cluster: detail }) };
  if (kind === "containerd") return { kind, socket: detail ?? DEFAULT_SOCKET };
  if (kind === "k3s" && detail === undefined) return { kind };
  throw new ViolaError("USAGE", `"${text}" is no target that this release knows`, {
    subject: text,
    hint: `Write ${TARGETS}.`,
  });
}

/** Returns the nodes behind a target, looked for when they are asked for. */
export async function findTargetNodes(target: NodesTarget, context: CommandContext): Promise<NodeTarget> {
  if (target.kind === "kind") {
    const { cluster } = target;
    const { findKindNodes } = await import("../adapters/kind/nodes.js");
    return {
      name: cluster === undefined ? "kind" : `kind:${cluster}`,
      findNodes: async (signal) => findKindNodes(await context.docker(), cluster, signal),
    };
  }
  const { findContainerd, findK3s } = await import("../adapters/containerd/local-nodes.js");
  return target.kind === "k3s" ? findK3s(context.env) : findContainerd(target.socket, context.env);
}
