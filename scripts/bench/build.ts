// The groups `build`, `size` and `memory`: `build` compared with docker, skopeo, crane, and curl as
// a lower bound.
import { execFileSync } from "node:child_process";
import { NO_GOAL, shown, sideBySide, skipped, type Goal, type Line } from "./lines.js";
import { oursBuild, wholeBuild } from "./ours.js";
import { cranePull, curlFloor, dockerPullAndSave, findCrane, skopeoAndTar } from "./peers.js";
import { diskFolder, type Stack } from "./stack.js";
import { hasCharts } from "./viola-spec.js";

const MB = 1e6;

/**
 * Measures the seconds from the list of images to the finished file, alternating between each peer
 * and ours.
 */
export async function* buildLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  const ours = () => oursBuild(stack, stack.plain);
  const oursTls = () => oursBuild(stack, stack.tls);

  const floor: Goal = { atMost: 1 };
  const floorTls: Goal = { atMost: 1.1 };
  const curl = firstLine("curl", "--version").split(" ").slice(0, 2).join(" ");
  yield await sideBySide("build/floor", floor, rounds, curl, () => curlFloor(stack, stack.plain), ours);
  yield await sideBySide(
    "build/floor-tls",
    floorTls,
    rounds,
    curl,
    () => curlFloor(stack, stack.tls),
    oursTls,
  );

  const crane: Goal = { atLeast: 1.6 };
  const craneTls: Goal = { atLeast: 1.7 };
  const program = findCrane();
  if (program === undefined) {
    const reason = "crane is not on PATH, and `go install` could not build it";
    yield skipped("build/crane", crane, reason);
    yield skipped("build/crane-tls", craneTls, reason);
  } else {
    const note = `crane ${firstLine(program, "version") || "of unknown version"}`;
    yield await sideBySide(
      "build/crane",
      crane,
      rounds,
      note,
      () => cranePull(program, stack, stack.plain),
      ours,
    );
    yield await sideBySide(
      "build/crane-tls",
      craneTls,
      rounds,
      note,
      () => cranePull(program, stack, stack.tls),
      oursTls,
    );
  }

  const skopeo: Goal = { atLeast: 2.7 };
  const skopeoVersion = firstLine("skopeo", "--version");
  if (skopeoVersion === "") yield skipped("build/skopeo", skopeo, "skopeo is not on PATH");
  else yield await sideBySide("build/skopeo", skopeo, rounds, skopeoVersion, () => skopeoAndTar(stack), ours);

  const docker: Goal = { atLeast: 14 };
  const engine = dockerVersion();
  if (engine === "") yield skipped("build/docker", docker, "no Docker engine responds");
  else {
    const disk = diskFolder();
    yield await sideBySide(
      "build/docker",
      docker,
      rounds,
      `${engine}; both on disk`,
      () => dockerPullAndSave(stack, disk),
      () => oursBuild(stack, stack.plain, disk),
    );
  }

  if (!hasCharts()) yield skipped("build/whole", NO_GOAL, "../shared/chart-repos does not exist");
  else {
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) seconds.push((await wholeBuild(stack)).seconds);
    yield shown("build/whole", seconds, "the complete command: helm, finding images, and the same build");
  }
}

/**
 * Measures the overhead of the bundle in percent of the layers. The peer is `docker save`, which
 * stores uncompressed layers.
 */
export async function* sizeLines(stack: Stack): AsyncGenerator<Line> {
  const percent = (size: number): number => (100 * (size - stack.layerBytes)) / stack.layerBytes;
  const ours = percent((await oursBuild(stack, stack.plain)).size);
  const engine = dockerVersion();
  yield {
    id: "size/overhead",
    unit: "%",
    ours,
    peer: engine === "" ? null : percent((await dockerPullAndSave(stack)).size),
    ratio: null,
    goal: "< 1 %",
    holds: ours < 1,
    note: engine,
  };
}

/** Measures the peak memory of a build, over all rounds. */
export async function* memoryLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  const crane = findCrane();
  for (const [id, endpoint] of [
    ["memory/build", stack.plain],
    ["memory/build-tls", stack.tls],
  ] as const) {
    let ours = 0;
    let peer = 0;
    for (let round = 0; round < rounds; round++) {
      ours = Math.max(ours, (await oursBuild(stack, endpoint)).peakBytes / MB);
      if (crane !== undefined)
        peer = Math.max(peer, (await cranePull(crane, stack, endpoint)).peakBytes / MB);
    }
    yield {
      id,
      unit: "MB",
      ours,
      peer: crane === undefined ? null : peer,
      ratio: null,
      goal: "< 120 MB",
      holds: ours < 120,
      note: `peak of ${rounds} rounds at ${(stack.layerBytes / 1e9).toFixed(1)} GB; peer crane`,
    };
  }
}

function dockerVersion(): string {
  const version = firstLine("docker", "version", "-f", "{{.Server.Version}}");
  return version === "" ? "" : `dockerd ${version}`;
}

/** Returns the first line that a program prints; empty when it fails. */
function firstLine(program: string, ...args: readonly string[]): string {
  try {
    const text = execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return text.split("\n")[0]?.trim() ?? "";
  } catch {
    return "";
  }
}
