// Kind-like nodes for one test file, with a unique cluster name.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ROOT } from "./paths.js";
import { mustRun } from "./run.js";

export interface Nodes {
  readonly cluster: string;
  /** Container names, control plane first. */
  readonly names: readonly string[];
  /** Runs a command in a node and returns its standard output. Throws when it fails. */
  exec(node: string, ...command: string[]): Promise<string>;
  /** Removes every image, with its content, from every node. */
  empty(): Promise<void>;
  remove(): Promise<void>;
}

/** A killed fetch leaves a lease on its content. */
const EMPTY = `
export CONTAINERD_NAMESPACE=k8s.io
ctr leases ls -q | xargs -r ctr leases rm
ctr images ls -q | xargs -r ctr images rm --sync
`;

const SCRIPT = join(ROOT, "scripts/parts/nodes.sh");

/**
 * Starts a control plane and `workers` workers. Programs in `folder` override those on PATH, for
 * another version of containerd. Requires `needs("nodes")`.
 */
export async function startNodes(workers = 2, folder?: string): Promise<Nodes> {
  const cluster = `viola-test-${randomBytes(3).toString("hex")}`;
  const path = [folder, process.env["PATH"]].filter((part) => part !== undefined).join(":");
  await mustRun(SCRIPT, ["up", cluster, String(workers)], { env: { ...process.env, PATH: path } });
  const worker = (number: number): string => `${cluster}-worker${number === 1 ? "" : number}`;
  const names = [
    `${cluster}-control-plane`,
    ...Array.from({ length: workers }, (_, index) => worker(index + 1)),
  ];
  const exec = (node: string, ...command: readonly string[]): Promise<string> =>
    mustRun("docker", ["exec", node, ...command]);
  return {
    cluster,
    names,
    exec,
    empty: async () => {
      await Promise.all(names.map((node) => exec(node, "sh", "-c", EMPTY)));
    },
    remove: async () => {
      await mustRun(SCRIPT, ["down", cluster]);
    },
  };
}
