// The line `load/running`: from the bundle to thirty running Pods on a Kubernetes cluster without
// egress, compared with `kind load` and `helm install --wait`.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { VIOLA_REFERENCES } from "../parts/viola-images.js";
import { sideBySide, skipped, type Cost, type Goal, type Line } from "./lines.js";
import { PROGRAM } from "./ours.js";
import { withFolder, type Stack } from "./stack.js";
import { timed } from "./timed.js";
import { packaged, SHARED, withViolaSpec } from "./viola-spec.js";
import { pushWeightedImages } from "./weighted-images.js";

const KUBE = join(SHARED, "kube/kube.sh");
// A unique name, so that the remains of a killed run do not conflict.
const CLUSTER = `viola-bench-${process.pid}`;
const NODES = ["control-plane", "worker", "worker2", "worker3"].map((role) => `${CLUSTER}-${role}`);
const LIVE = "live";
const GOAL: Goal = { atMost: 0.5 };

/**
 * Uses runnable images of 1.5 GB at scale 1. All input is on this machine: the bundle, or the
 * images in the engine and the chart.
 */
export async function* runningLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  if (!existsSync(KUBE)) {
    yield skipped("load/running", GOAL, "../shared/kube does not exist");
    return;
  }
  const [helm, kubectl] = await Promise.all([packaged("helm"), packaged("kubectl")]);
  const env = { ...process.env, KUBECTL: kubectl, PATH: `${dirname(kubectl)}:${process.env["PATH"] ?? ""}` };
  const kubeconfig = join(
    process.env["KUBE_HOME"] ?? join(homedir(), ".cache/viola-kube"),
    CLUSTER,
    "kubeconfig",
  );
  execFileSync(KUBE, ["images", `${stack.plain.host}/${LIVE}`], { env });
  const prefix = `${stack.prefix}-running`;
  await pushWeightedImages(
    stack.plain.url,
    { live: LIVE, standIns: stack.prefix, weighted: prefix },
    stack.scale,
  );
  yield await withFolder(async (folder) => {
    const bundle = join(folder, "viola.bundle");
    const images = `${stack.plain.url}/${prefix}/{registry}`;
    const config = await withViolaSpec(folder, images, async (input) => {
      await timed(process.execPath, [PROGRAM, "build", input.spec, "-o", bundle, "--config", input.config]);
      return input.config;
    });
    for (const file of ["charts", "values"]) execFileSync("tar", ["-C", folder, "-xf", bundle, file]);
    for (const reference of VIOLA_REFERENCES) {
      const name = `${stack.plain.host}/${prefix}/${reference}`;
      execFileSync("docker", ["pull", "-q", name]);
      execFileSync("docker", ["tag", name, reference]);
      execFileSync("docker", ["rmi", name]);
    }
    const inCluster = (run: () => Promise<Cost>) => async () => {
      execFileSync(KUBE, ["up", CLUSTER, "3"], { env });
      try {
        const taint = "node-role.kubernetes.io/control-plane:NoSchedule";
        execFileSync(kubectl, ["--kubeconfig", kubeconfig, "taint", "node", NODES[0] ?? "", taint]);
        return await run();
      } finally {
        execFileSync(KUBE, ["down", CLUSTER], { env });
      }
    };
    const peer = (): Promise<Cost> =>
      timed("sh", ["-c", PEER, "sh", folder, NODES.join(" "), ...VIOLA_REFERENCES], {
        env: { ...env, KUBECONFIG: kubeconfig, HELM: helm },
      });
    const ours = (): Promise<Cost> =>
      timed(
        process.execPath,
        [PROGRAM, "load", bundle, "--to", `kind:${CLUSTER}`, "--install", "--config", config],
        { env: { ...env, KUBECONFIG: kubeconfig } },
      );
    try {
      const note = `kind load of ${VIOLA_REFERENCES.length} images, helm install --wait`;
      return await sideBySide({ id: "load/running", goal: GOAL, note }, rounds, {
        peer: inCluster(peer),
        ours: inCluster(ours),
      });
    } finally {
      execFileSync("docker", ["rmi", ...VIOLA_REFERENCES]);
    }
  });
}

/**
 * Loads one image after another into all nodes, like `kind load docker-image`, then runs Helm and
 * waits for the Pods that operators create.
 */
const PEER = `set -e
folder=$1; nodes=$2; shift 2
for image in "$@"; do
  docker save -o "$folder/image.tar" "$image"
  for node in $nodes; do
    docker exec -i "$node" ctr -n k8s.io images import --all-platforms --digests --snapshotter=overlayfs - <"$folder/image.tar" >/dev/null &
  done
  wait
done
"$HELM" install viola-monitoring "$folder"/charts/*.tgz -n monitoring --create-namespace $(printf -- '-f %s ' "$folder"/values/*) --wait --timeout 10m >/dev/null
until [ "$(kubectl get pods -n monitoring --no-headers | awk '{ split($2, r, "/"); if (r[1] == r[2] && $3 == "Running") n++ } END { print n+0 }')" = 30 ]; do sleep 1; done`;
