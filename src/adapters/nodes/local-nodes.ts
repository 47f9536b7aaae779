// This machine as a node: its own containerd, or the one inside k3s.
import { access, constants, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { OnActivity } from "../../core/activity.js";
import type { NodeTarget } from "../../core/load/node.js";
import { systemErrorCode, ViolaError } from "../../errors.js";
import { hostAddresses } from "../bundle-registry/host-addresses.js";
import { connectCtrNode } from "./ctr-node.js";
import { K3S_SOCKET, k3sDataFolder } from "./k3s.js";
import { localShell } from "../exec/local-shell.js";
import { observeShell } from "../exec/shell.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** The folders of system programs. The PATH of root may not contain all of them. */
const SYSTEM_PROGRAMS = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin";

/** A containerd of this machine. */
interface LocalContainerd {
  /** As in `--to`. */
  readonly name: string;
  readonly socket: string;
  /** The hint for the error when nothing listens on the socket. */
  readonly hint: string;
  /** Is notified of every command. */
  readonly onActivity: OnActivity | undefined;
}

/** Returns the containerd that listens on the socket as a target. */
export function findContainerd(socket: string, env: Environment, onActivity?: OnActivity): NodeTarget {
  const hint = "Check that it is running, or specify another socket: --to containerd:/path/containerd.sock";
  return localTarget({ name: "containerd", socket, hint, onActivity }, env);
}

/**
 * Returns the containerd of k3s on this machine as a target. It is used through the `ctr` of k3s.
 */
export async function findK3s(
  env: Environment,
  socket = K3S_SOCKET,
  onActivity?: OnActivity,
): Promise<NodeTarget> {
  const programs = join(await k3sDataFolder(env), "data/current/bin");
  const withPrograms = { ...env, PATH: `${programs}:${env["PATH"] ?? ""}` };
  const hint = "Start it first: systemctl start k3s (or k3s-agent)";
  return localTarget({ name: "k3s", socket, hint, onActivity }, withPrograms);
}

function localTarget(containerd: LocalContainerd, env: Environment): NodeTarget {
  const { name, socket, hint, onActivity } = containerd;
  return {
    name,
    findNodes: async (signal) => {
      await refuseWithoutSocket(containerd);
      const variables = {
        ...env,
        PATH: `${env["PATH"] ?? ""}:${SYSTEM_PROGRAMS}`,
        CONTAINERD_ADDRESS: socket,
      };
      const shell = observeShell(localShell(variables), undefined, onActivity);
      const hostNames = [hostname(), ...hostAddresses()];
      return [await connectCtrNode(shell, { name, hostNames, hostAddresses: ["127.0.0.1"], hint }, signal)];
    },
  };
}

async function refuseWithoutSocket({ name, socket, hint }: LocalContainerd): Promise<void> {
  const found = await stat(socket).catch(systemErrorCode);
  const denied = await access(socket, constants.R_OK | constants.W_OK).then(() => undefined, systemErrorCode);
  const isDenied = denied === "EACCES" || denied === "EPERM";
  if (typeof found === "object" && found.isSocket() && !isDenied) return;
  throw new ViolaError(
    "NODE_LOAD_FAILED",
    `${name}: ${isDenied ? `no permission to use ${socket}` : `no containerd listens on ${socket}`}`,
    { subject: socket, hint: isDenied ? "Run this as root, for example with sudo." : hint },
  );
}
