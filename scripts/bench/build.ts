// The groups `build`, `size` and `memory`: `build` compared with docker, skopeo, crane, and curl as
// a lower bound.
import { execFileSync } from "node:child_process";
import { compareCosts, measureSides, NO_GOAL, sideBySide, skipped, type Goal, type Line } from "./lines.js";
import { oursBuild, wholeBuild } from "./ours.js";
import { cranePull, curlFloor, dockerPullAndSave, findCrane, skopeoAndTar } from "./peers.js";
import { withSlowLink } from "./slow-link.js";
import { diskFolder, type Stack } from "./stack.js";
import { hasCharts } from "./viola-spec.js";

const MB = 1e6;
const NO_CRANE = "crane is not on PATH, and `go install` could not build it";
const NO_SHARED = "../shared (or VIOLA_SHARED) does not exist";
const LINK = { roundTripMs: 80, megabits: 400 };

/**
 * Compares building with each peer in turn, from the list of images to the finished file; then the
 * complete command.
 */
export async function* buildLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  yield* floorLines(stack, rounds);
  yield* craneLines(stack, rounds);
  yield* engineLines(stack, rounds);
  yield* wholeLines(stack, rounds);
}

/**
 * The lower bound: curl stores the blobs without verifying them, and one program hashes the result.
 * Its time is shown, and its processor time is the limit for ours.
 */
async function* floorLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  const note = `${firstLine("curl", "--version").split(" ").slice(0, 2).join(" ")}, then openssl dgst -sha256`;
  for (const [suffix, endpoint, atMost] of [
    ["", stack.plain, 1],
    ["-tls", stack.tls, 1.1],
  ] as const) {
    const costs = await measureSides(rounds, {
      peer: () => curlFloor(stack, endpoint),
      ours: () => oursBuild(stack, endpoint),
    });
    yield compareCosts({ id: `build/floor${suffix}`, goal: NO_GOAL, note }, costs);
    yield compareCosts({ id: `build/cpu${suffix}`, goal: { atMost }, note }, costs, "cpuSeconds");
  }
}

async function* craneLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  const program = findCrane();
  for (const [id, endpoint, atLeast] of [
    ["build/crane", stack.plain, 1.6],
    ["build/crane-tls", stack.tls, 1.7],
  ] as const) {
    yield program === undefined
      ? skipped(id, { atLeast }, NO_CRANE)
      : await sideBySide({ id, goal: { atLeast }, note: craneName(program) }, rounds, {
          peer: () => cranePull(program, stack, endpoint),
          ours: () => oursBuild(stack, endpoint),
        });
  }
}

async function* engineLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  const skopeo: Goal = { atLeast: 2.7 };
  const skopeoVersion = firstLine("skopeo", "--version");
  if (skopeoVersion === "") yield skipped("build/skopeo", skopeo, "skopeo is not on PATH");
  else
    yield await sideBySide({ id: "build/skopeo", goal: skopeo, note: skopeoVersion }, rounds, {
      peer: () => skopeoAndTar(stack),
      ours: () => oursBuild(stack, stack.plain),
    });

  const docker: Goal = { atLeast: 14 };
  const engine = dockerVersion();
  const disk = diskFolder();
  if (engine === "") yield skipped("build/docker", docker, "no Docker engine responds");
  else
    yield await sideBySide({ id: "build/docker", goal: docker, note: `${engine}; both on disk` }, rounds, {
      peer: () => dockerPullAndSave(stack, disk),
      ours: () => oursBuild(stack, stack.plain, disk),
    });
}

/** The complete command, with helm and finding images: near a registry, and far from it. */
async function* wholeLines(stack: Stack, rounds: number): AsyncGenerator<Line> {
  const whole: Goal = { atMost: 1 };
  const link: Goal = { atMost: 1.05 };
  const crane = findCrane();
  if (!hasCharts()) yield skipped("build/whole", whole, NO_SHARED);
  else if (crane === undefined) yield skipped("build/whole", whole, NO_CRANE);
  else
    yield await sideBySide({ id: "build/whole", goal: whole, note: craneName(crane) }, rounds, {
      peer: () => cranePull(crane, stack, stack.plain),
      ours: () => wholeBuild(stack, stack.plain.url),
    });
  if (!hasCharts()) yield skipped("build/link", link, NO_SHARED);
  else {
    const note = `peer: bytes / bandwidth; ${LINK.roundTripMs} ms round trip, ${LINK.megabits} Mbit/s`;
    const seconds = (stack.layerBytes * 8) / (LINK.megabits * 1e6);
    yield await withSlowLink(stack.plain, LINK, (url) =>
      sideBySide({ id: "build/link", goal: link, note }, rounds, {
        peer: () => Promise.resolve({ seconds, cpuSeconds: 0, peakBytes: 0 }),
        ours: () => wholeBuild(stack, url),
      }),
    );
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

function craneName(program: string): string {
  return `crane ${firstLine(program, "version") || "of unknown version"}`;
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
