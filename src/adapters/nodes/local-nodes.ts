// This machine as a node: its own containerd, or the one inside k3s.
import { access, constants, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { NodeTarget } from "../../core/load/node.js";
import { systemErrorCode, ViolaError } from "../../errors.js";
import { hostAddresses } from "../bundle-registry/host-addresses.js";
import { connectCtrNode } from "./ctr-node.js";
import { K3S_SOCKET, k3sDataFolder } from "./k3s.js";
import { localShell } from "../exec/local-shell.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** As the programs of a system; root's PATH may lack them. */
const SYSTEM_PROGRAMS = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin";

/** A containerd of this machine. */
interface LocalContainerd {
  /** As on the command line. */
  readonly name: string;
  readonly socket: string;
  /** What to do when it does not listen. */
  readonly hint: string;
}

/** The containerd that listens at the socket. */
export function findContainerd(socket: string, env: Environment): NodeTarget {
  const hint = "See whether it runs, or name another socket: --to containerd:/path/containerd.sock";
  return localTarget({ name: "containerd", socket, hint }, env);
}

/** The containerd of a k3s that runs on this machine, asked by the `ctr` that k3s brings. */
export async function findK3s(env: Environment, socket = K3S_SOCKET): Promise<NodeTarget> {
  const programs = join(await k3sDataFolder(env), "data/current/bin");
  const withPrograms = { ...env, PATH: `${programs}:${env["PATH"] ?? ""}` };
  const hint = "Start it first: systemctl start k3s (or k3s-agent)";
  return localTarget({ name: "k3s", socket, hint }, withPrograms);
}

function localTarget(containerd: LocalContainerd, env: Environment): NodeTarget {
  const { name, socket, hint } = containerd;
  return {
    name,
    findNodes: async (signal) => {
      await refuseWithoutSocket(containerd);
      const shell = localShell({
        ...env,
        PATH: `${env["PATH"] ?? ""}:${SYSTEM_PROGRAMS}`,
        CONTAINERD_ADDRESS: socket,
      });
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
    `${name}: ${isDenied ? `no rights on ${socket}` : `no containerd listens at ${socket}`}`,
    { subject: socket, hint: isDenied ? "Run this as root, for example with sudo." : hint },
  );
}
