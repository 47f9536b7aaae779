// The groups `build`, `size` and `memory`: the main job beside docker, skopeo, crane and the floor that curl sets.
import { execFileSync } from "node:child_process";
import { NO_GOAL, shown, sideBySide, skipped, type Goal, type Line } from "./lines.js";
import { oursBuild, wholeBuild } from "./ours.js";
import { cranePull, curlFloor, dockerPullAndSave, findCrane, skopeoAndTar } from "./peers.js";
import { diskFolder, type Stack } from "./stack.js";
import { hasCharts } from "./viola-spec.js";

const MB = 1e6;

/** Seconds from the list of images to the finished file, each peer and ours in turn. */
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
    const reason = "no crane on PATH, and `go install` did not make one";
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
  if (skopeoVersion === "") yield skipped("build/skopeo", skopeo, "no skopeo on PATH");
  else yield await sideBySide("build/skopeo", skopeo, rounds, skopeoVersion, () => skopeoAndTar(stack), ours);

  const docker: Goal = { atLeast: 14 };
  const engine = dockerVersion();
  if (engine === "") yield skipped("build/docker", docker, "no Docker engine answers");
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

  if (!hasCharts()) yield skipped("build/whole", NO_GOAL, "no ../shared/chart-repos");
  else {
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) seconds.push((await wholeBuild(stack)).seconds);
    yield shown("build/whole", seconds, "the command as users run it: helm and finding, then the same build");
  }
}

/** Bytes of the bundle beyond the layers, in percent of them; the peer is `docker save`, which unpacks them. */
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

/** The most memory that a build has, the largest of all rounds. */
export async function* memoryLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  const crane = findCrane();
  for (const [id, door] of [
    ["memory/build", stack.plain],
    ["memory/build-tls", stack.tls],
  ] as const) {
    let ours = 0;
    let peer = 0;
    for (let round = 0; round < rounds; round++) {
      ours = Math.max(ours, (await oursBuild(stack, door)).peakBytes / MB);
      if (crane !== undefined) peer = Math.max(peer, (await cranePull(crane, stack, door)).peakBytes / MB);
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

/** The first line that a program prints; empty when it fails. */
function firstLine(program: string, ...args: readonly string[]): string {
  try {
    const text = execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return text.split("\n")[0]?.trim() ?? "";
  } catch {
    return "";
  }
}
