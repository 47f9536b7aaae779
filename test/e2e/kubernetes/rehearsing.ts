// Runs rehearsals with the built command, and checks that each of them leaves the cluster as it was.
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect } from "vitest";
import type { OperatorDraft } from "../../../src/core/rehearsal/draft-operator.js";
import type { RehearsalReport } from "../../../src/workflows/rehearse/rehearse.js";
import type { Cluster } from "./stage.js";

/** The images that Grafana's agent operator starts and no chart names. */
export const HIDDEN = [
  "docker.io/grafana/agent:v0.39.1",
  "quay.io/prometheus-operator/prometheus-config-reloader:v0.67.1",
];

interface Rehearsed {
  readonly code: number;
  readonly report: RehearsalReport & { readonly drafts: readonly OperatorDraft[] };
}

/** Returns what runs a rehearsal. Every test of the calling group compares the state of the cluster. */
export function rehearsing(cluster: () => Cluster): {
  /** The arguments that name the cluster. */
  readonly target: () => readonly string[];
  readonly rehearse: (...args: readonly string[]) => Promise<Rehearsed>;
} {
  let before: string;
  beforeEach(async () => {
    before = await settledState(cluster());
  });
  afterEach(async () => {
    expect(await stateOf(cluster())).toBe(before);
  });
  const target = (): readonly string[] => {
    const { kube } = cluster();
    return ["--to", `kind:${kube.cluster}`, "--kubeconfig", kube.kubeconfig];
  };
  return {
    target,
    rehearse: async (...args) => {
      const { code, stdout } = await cluster().viola.cli("rehearse", ...args, "--json", ...target());
      return { code, report: JSON.parse(stdout) as Rehearsed["report"] };
    },
  };
}

/** Returns the state when what an earlier test has removed is gone. */
async function settledState(cluster: Cluster): Promise<string> {
  for (let state = await stateOf(cluster); ;) {
    await delay(1_000);
    const next = await stateOf(cluster);
    if (next === state && !next.includes("Terminating")) return state;
    state = next;
  }
}

/** Everything that a rehearsal changes, as one text. */
async function stateOf({ kube }: Cluster): Promise<string> {
  const objects = await kube.kubectl(
    "get",
    "namespaces,customresourcedefinitions,persistentvolumes,clusterroles,services,mutatingwebhookconfigurations",
    "--all-namespaces",
    "--output=custom-columns=KIND:.kind,NAME:.metadata.name,PHASE:.status.phase",
  );
  const nodes = await Promise.all(
    kube.nodes.map((node) =>
      kube.exec(
        node,
        "sh",
        "-c",
        "find /etc/containerd; ctr -n k8s.io images ls -q; ctr -n k8s.io tasks ls | wc -l",
      ),
    ),
  );
  return [objects.stdout, ...nodes].join("\n");
}
