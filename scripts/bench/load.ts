// The group `load`: loading the bundle into nodes like those of Kind, compared with `ctr images
// import` of the same tar, as `kind load` does.
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { sideBySide, type Cost, type Goal, type Line } from "./lines.js";
import { buildArguments, buildEnvironment, PROGRAM } from "./ours.js";
import { withFolder, type Stack } from "./stack.js";
import { timed } from "./timed.js";

const NODES = resolve(import.meta.dirname, "../parts/nodes.sh");
// A unique name, so that the remains of a killed run do not conflict.
const CLUSTER = `viola-bench-${process.pid}`;
const MB = 1e6;
const MEMORY_LIMIT_MB = 120;

/**
 * Measures loads into empty nodes and into nodes that have all images. The bundle is built once,
 * and the tar is extracted once.
 */
export async function* loadLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  let peakBytes = 0;
  const peer = `ctr images import into ${firstLine("containerd", "--version")}`;
  const measured = await withFolder(async (folder) => {
    const bundle = join(folder, "viola.bundle");
    const images = join(folder, "images.tar");
    await timed(process.execPath, buildArguments(stack, stack.plain, bundle), {
      env: buildEnvironment(stack.plain),
    });
    execFileSync("sh", ["-c", `tar -xOf "$1" images.tar >"$2"`, "sh", bundle, images]);
    const ours = async (): Promise<Cost> => {
      const cost = await timed(process.execPath, [PROGRAM, "load", bundle, "--to", `kind:${CLUSTER}`], {
        env: buildEnvironment(stack.plain),
      });
      peakBytes = Math.max(peakBytes, cost.peakBytes);
      return cost;
    };
    const lines: Line[] = [];
    const compare = async (id: string, goal: Goal, workers: number, isAgain: boolean): Promise<void> => {
      const theirs = (): Promise<Cost> => importEverywhere(images, workers);
      const inNodes = (load: () => Promise<Cost>) => () =>
        withNodes(workers, async () => {
          if (isAgain) await load();
          return load();
        });
      lines.push(
        await sideBySide({ id, goal, note: peer }, rounds, { peer: inNodes(theirs), ours: inNodes(ours) }),
      );
    };
    await compare("load/first", { atMost: 0.5 }, 0, false);
    await compare("load/again", { atMost: 0.1 }, 0, true);
    await compare("load/three", { atMost: 0.4 }, 2, false);
    return lines;
  });
  yield* measured;
  yield {
    id: "memory/load",
    unit: "MB",
    ours: peakBytes / MB,
    peer: null,
    ratio: null,
    goal: `< ${MEMORY_LIMIT_MB} MB`,
    holds: peakBytes / MB < MEMORY_LIMIT_MB,
    note: `maximum of all loads at ${(stack.layerBytes / 1e9).toFixed(1)} GB`,
  };
}

/** Starts empty nodes for one run: a control plane and the given number of workers. */
async function withNodes<T>(workers: number, run: () => Promise<T>): Promise<T> {
  execFileSync(NODES, ["up", CLUSTER, String(workers)]);
  try {
    return await run();
  } finally {
    execFileSync(NODES, ["down", CLUSTER]);
  }
}

/**
 * Imports the tar into all nodes in parallel, like `kind load`, but only for the platform that the
 * tar contains.
 */
function importEverywhere(images: string, workers: number): Promise<Cost> {
  const names = [
    "control-plane",
    ...Array.from({ length: workers }, (_, i) => `worker${i === 0 ? "" : i + 1}`),
  ];
  const text = `file=$1; shift
for node in "$@"; do
  docker exec -i "$node" ctr -n k8s.io images import --platform linux/amd64 --digests --snapshotter=overlayfs - <"$file" >/dev/null || kill $$ &
done
wait`;
  return timed("sh", ["-c", text, "sh", images, ...names.map((name) => `${CLUSTER}-${name}`)]);
}

function firstLine(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8" }).split("\n")[0]?.trim() ?? "";
}
