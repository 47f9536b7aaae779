// This machine as a node: its own containerd, or the one inside k3s.
import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import type { NodeTarget } from "../../core/cluster/node.js";
import { ViolaError } from "../../errors.js";
import { ownAddresses } from "../own-addresses.js";
import { connectCtrNode } from "./ctr-node.js";
import { localShell } from "./local-shell.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where k3s listens, and where it keeps a `ctr` of its own: https://docs.k3s.io/advanced */
const K3S_SOCKET = "/run/k3s/containerd/containerd.sock";
const K3S_PROGRAMS = "/var/lib/rancher/k3s/data/current/bin";
/** As the programs of a system; root's PATH may lack them. */
const SYSTEM_PROGRAMS = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin";

/** The containerd that listens at the socket. */
export function findContainerd(socket: string, env: Environment): NodeTarget {
  const hint = "See whether it runs, or name another socket: --to containerd:/path/containerd.sock";
  return localTarget("containerd", socket, env, hint);
}

/** The containerd of a k3s that runs on this machine. */
export function findK3s(env: Environment): NodeTarget {
  const withPrograms = { ...env, PATH: `${K3S_PROGRAMS}:${env["PATH"] ?? ""}` };
  return localTarget("k3s", K3S_SOCKET, withPrograms, "Start it first: systemctl start k3s (or k3s-agent)");
}

function localTarget(name: string, socket: string, env: Environment, hint: string): NodeTarget {
  return {
    name,
    findNodes: async (signal) => {
      await refuseWithoutSocket(name, socket, hint);
      const shell = localShell({
        ...env,
        PATH: `${env["PATH"] ?? ""}:${SYSTEM_PROGRAMS}`,
        CONTAINERD_ADDRESS: socket,
      });
      const hostNames = [hostname(), ...ownAddresses()];
      return [await connectCtrNode(shell, { name, hostNames, hostAddresses: ["127.0.0.1"], hint }, signal)];
    },
  };
}

async function refuseWithoutSocket(name: string, socket: string, hint: string): Promise<void> {
  const found = await stat(socket).catch((error: unknown) => (error as NodeJS.ErrnoException).code);
  if (typeof found === "object" && found.isSocket()) return;
  const isDenied = found === "EACCES";
  throw new ViolaError(
    "NODE_LOAD_FAILED",
    `${name}: ${isDenied ? `no rights on ${socket}` : `no containerd listens at ${socket}`}`,
    { subject: socket, hint: isDenied ? "Run this as root." : hint },
  );
}
