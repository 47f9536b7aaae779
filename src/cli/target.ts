// Targets of `load`, `install` and `unload`: as written on the command line, and the nodes behind them.
import type { ImageFolder } from "../core/load/image-folder.js";
import type { NodeTarget } from "../core/load/node.js";
import { ViolaError } from "../errors.js";
import type { ImageStore } from "../core/load/image-store.js";
import type { CommandRuntime } from "./runtime.js";
import { parseRegistryTarget, type RegistryTarget } from "./push.js";

/** A target of the command line, understood. */
export type Target = InstallTarget | StoreKind;

/** A target that a cluster gets its images from. */
export type InstallTarget = NodesTarget | ({ readonly kind: "registry" } & RegistryTarget);

/** An engine's own image store. */
export interface StoreKind {
  readonly kind: "docker" | "podman";
}

/** A target that is asked, and loaded, node by node. */
export type NodesTarget =
  | { readonly kind: "kind"; readonly cluster?: string }
  | { readonly kind: "containerd"; readonly socket: string }
  | { readonly kind: "k3s" };

export const NODE_TARGETS = "kind[:CLUSTER], containerd[:SOCKET], k3s";
/** Targets with images that can be taken away again. */
export const LOCAL_TARGETS = `${NODE_TARGETS}, docker, podman`;
const REGISTRY_TARGET = "registry://HOST[:PORT][/PREFIX]";
export const TARGETS = `${LOCAL_TARGETS} or ${REGISTRY_TARGET}`;
export const INSTALL_TARGETS = `${NODE_TARGETS} or ${REGISTRY_TARGET}`;

const DEFAULT_SOCKET = "/run/containerd/containerd.sock";

/** Reads the targets of a command, at least one. Throws `USAGE`. */
export function parseTargets(texts: readonly string[], known = TARGETS): readonly Target[] {
  if (texts.length > 0) return texts.map(parseTarget);
  throw new ViolaError("USAGE", "no target is named with --to", {
    subject: "--to",
    hint: `Write --to TARGET, where TARGET is ${known}.`,
  });
}

/** Reads a target. Throws `USAGE`. */
export function parseTarget(text: string): Target {
  if (text.startsWith("registry://")) return { kind: "registry", ...parseRegistryTarget(text) };
  const [, kind, detail] = /^([a-z0-9]+)(?::(.+))?$/.exec(text) ?? [];
  if (kind === "kind") return { kind, ...(detail !== undefined && { cluster: detail }) };
  if (kind === "containerd") return { kind, socket: detail ?? DEFAULT_SOCKET };
  if ((kind === "k3s" || kind === "docker" || kind === "podman") && detail === undefined) return { kind };
  throw new ViolaError("USAGE", `"${text}" is no target that this release knows`, {
    subject: text,
    hint: `Write ${TARGETS}.`,
  });
}

/** True for an engine's own images. */
export function isStore(target: Target): target is StoreKind {
  return target.kind === "docker" || target.kind === "podman";
}

/** Returns the image store behind a target. */
export async function findStore({ kind }: StoreKind, runtime: CommandRuntime): Promise<ImageStore> {
  if (kind === "podman") {
    const { podmanStore } = await import("../adapters/podman/podman-store.js");
    return podmanStore(runtime.env);
  }
  const { dockerStore } = await import("../adapters/docker/docker-store.js");
  return dockerStore(await runtime.docker());
}

/** Throws `USAGE` for a target that no cluster gets its images from; `command` says for what. */
export function requireInstallable(target: Target, command: string): InstallTarget {
  if (!isStore(target)) return target;
  throw new ViolaError("USAGE", `${command} goes with nodes or a registry, not with ${target.kind}`, {
    subject: target.kind,
    hint: `Write ${INSTALL_TARGETS}.`,
  });
}

/** Returns the nodes behind a target, looked for when they are asked for. */
export async function findTargetNodes(target: NodesTarget, runtime: CommandRuntime): Promise<NodeTarget> {
  if (target.kind === "kind") {
    const { cluster } = target;
    const { findKindNodes } = await import("../adapters/nodes/kind.js");
    return {
      name: cluster === undefined ? "kind" : `kind:${cluster}`,
      findNodes: async (signal) => findKindNodes(await runtime.docker(), cluster, signal),
    };
  }
  const { findContainerd, findK3s } = await import("../adapters/nodes/local-nodes.js");
  return target.kind === "k3s" ? findK3s(runtime.env) : findContainerd(target.socket, runtime.env);
}

/** Returns the images folder of k3s, and whether k3s runs. */
export async function findK3sFolder(
  runtime: CommandRuntime,
): Promise<{ readonly folder: ImageFolder; readonly isRunning: boolean }> {
  const { k3sImageFolder, K3S_SOCKET, listensAt } = await import("../adapters/nodes/k3s.js");
  const [folder, isRunning] = await Promise.all([k3sImageFolder(runtime.env), listensAt(K3S_SOCKET)]);
  return { folder, isRunning };
}
