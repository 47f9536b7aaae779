// Kind-like nodes for one test file, under a cluster name that no other run has.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ROOT } from "./paths.js";
import { mustRun } from "./run.js";
import { noteCluster } from "./run-folder.js";

export interface Nodes {
  readonly cluster: string;
  /** Container names, control plane first. */
  readonly names: readonly string[];
  /** Runs a command in a node and returns its standard output; throws when it fails. */
  exec(node: string, ...command: string[]): Promise<string>;
  remove(): Promise<void>;
}

const SCRIPT = join(ROOT, "scripts/parts/nodes.sh");

/**
 * Brings up a control plane and `workers` workers. Only after `needs("nodes")`. Programs in `folder` win over those on PATH, which gives
 * nodes of another containerd.
 */
export async function startNodes(workers = 2, folder?: string): Promise<Nodes> {
  const cluster = `viola-test-${randomBytes(3).toString("hex")}`;
  const path = [folder, process.env["PATH"]].filter((part) => part !== undefined).join(":");
  noteCluster(cluster);
  await mustRun(SCRIPT, ["up", cluster, String(workers)], { env: { ...process.env, PATH: path } });
  const worker = (number: number): string => `${cluster}-worker${number === 1 ? "" : number}`;
  return {
    cluster,
    names: [`${cluster}-control-plane`, ...Array.from({ length: workers }, (_, index) => worker(index + 1))],
    exec: (node, ...command) => mustRun("docker", ["exec", node, ...command]),
    remove: async () => {
      await mustRun(SCRIPT, ["down", cluster]);
    },
  };
}
