// Targets of `load`, `install` and `unload`: parses them and finds the nodes that they refer to.
import type { ImageFolder } from "../core/load/image-folder.js";
import type { NodeTarget } from "../core/load/node.js";
import { findNearest } from "../core/nearest.js";
import { ViolaError } from "../errors.js";
import type { ImageStore } from "../core/load/image-store.js";
import type { CommandRuntime } from "./runtime.js";

/** A parsed target of the command line. */
export type Target = InstallTarget | StoreKind;

/** A target that a cluster runs or pulls images from. */
export type InstallTarget = NodesTarget | ({ readonly kind: "registry" } & RegistryTarget);

/** A registry target. */
export interface RegistryTarget {
  /** `HOST[:PORT]` */
  readonly host: string;
  /** Path prefix of every repository, without leading or trailing slash; may be empty. */
  readonly prefix: string;
}

/** The image store of a container engine. */
export interface StoreKind {
  readonly kind: "docker" | "podman";
}

/** A target with nodes that are queried and loaded one by one. */
export type NodesTarget =
  | { readonly kind: "kind"; readonly cluster?: string }
  | { readonly kind: "containerd"; readonly socket: string }
  | { readonly kind: "k3s" };

export const NODE_TARGETS = "kind[:CLUSTER], containerd[:SOCKET], k3s";
/** Targets that images can be unloaded from. */
export const LOCAL_TARGETS = `${NODE_TARGETS}, docker, podman`;
const REGISTRY_FORM = "registry://HOST[:PORT][/PREFIX]";
export const TARGETS = `${LOCAL_TARGETS} or ${REGISTRY_FORM}`;
export const INSTALL_TARGETS = `${NODE_TARGETS} or ${REGISTRY_FORM}`;

const KINDS = ["kind", "containerd", "k3s", "docker", "podman", "registry"];
const DEFAULT_SOCKET = "/run/containerd/containerd.sock";

/** Parses the targets of a command. Throws `USAGE`, also if there is none. */
export function parseTargets(texts: readonly string[], known = TARGETS): readonly Target[] {
  if (texts.length > 0) return texts.map(parseTarget);
  throw new ViolaError("USAGE", "option --to is required", {
    subject: "--to",
    hint: `Use --to TARGET, where TARGET is ${known}.`,
  });
}

/** Parses a target. Throws `USAGE`. */
export function parseTarget(text: string): Target {
  if (text.startsWith("registry://")) return { kind: "registry", ...parseRegistryTarget(text) };
  const [, kind, detail] = /^([a-z0-9]+)(?::(.+))?$/.exec(text) ?? [];
  if (kind === "kind") return { kind, ...(detail !== undefined && { cluster: detail }) };
  if (kind === "containerd") return { kind, socket: detail ?? DEFAULT_SOCKET };
  if ((kind === "k3s" || kind === "docker" || kind === "podman") && detail === undefined) return { kind };
  const near = findNearest(text.replace(/:.*/s, ""), KINDS);
  throw new ViolaError("USAGE", `"${text}" is not a known target`, {
    subject: text,
    hint: `${near === undefined ? "" : `Did you mean ${near}? `}Use ${TARGETS}.`,
  });
}

const REGISTRY_TARGET = /^registry:\/\/([^/@?#]+)((?:\/[^/?#]+)*)\/?$/;
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** Parses `registry://HOST[:PORT][/PREFIX]`. Throws `USAGE`. */
export function parseRegistryTarget(text: string): RegistryTarget {
  const [, host, path = ""] = REGISTRY_TARGET.exec(text) ?? [];
  const parts = path.split("/").filter((part) => part !== "");
  if (
    host === undefined ||
    !URL.canParse(`https://${host}`) ||
    !parts.every((part) => PATH_PART.test(part))
  ) {
    throw new ViolaError("USAGE", `"${text}" is not a registry target`, {
      subject: text,
      hint: "Use registry://HOST[:PORT][/PREFIX]. A prefix must be lower case. Credentials are those of docker login or podman login.",
    });
  }
  return { host, prefix: parts.join("/") };
}

/** True for the image store of a container engine. */
export function isStore(target: Target): target is StoreKind {
  return target.kind === "docker" || target.kind === "podman";
}

/** Returns the image store of a target. */
export async function findStore({ kind }: StoreKind, runtime: CommandRuntime): Promise<ImageStore> {
  if (kind === "podman") {
    const { podmanStore } = await import("../adapters/podman/podman-store.js");
    return podmanStore(runtime.env, runtime.onActivity);
  }
  const { dockerStore } = await import("../adapters/docker/docker-store.js");
  return dockerStore(await runtime.docker());
}

/**
 * Throws `USAGE` for a target that no cluster gets images from. `command` is used in the message.
 */
export function requireInstallable(target: Target, command: string): InstallTarget {
  if (!isStore(target)) return target;
  throw new ViolaError("USAGE", `${command} requires nodes or a registry as target, not ${target.kind}`, {
    subject: target.kind,
    hint: `Use ${INSTALL_TARGETS}.`,
  });
}

/** Returns the nodes of a target, which are looked up on each call of `findNodes`. */
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
  return target.kind === "k3s"
    ? findK3s(runtime.env, undefined, runtime.onActivity)
    : findContainerd(target.socket, runtime.env, runtime.onActivity);
}

/** Returns the images folder of k3s, and whether k3s is running. */
export async function findK3sFolder(
  runtime: CommandRuntime,
): Promise<{ readonly folder: ImageFolder; readonly isRunning: boolean }> {
  const { k3sImageFolder, K3S_SOCKET, listensAt } = await import("../adapters/nodes/k3s.js");
  const [folder, isRunning] = await Promise.all([k3sImageFolder(runtime.env), listensAt(K3S_SOCKET)]);
  return { folder, isRunning };
}
