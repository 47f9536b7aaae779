// The benchmark, once and with small images: checks that it measures builds and loads and their
// peers. The figures are not checked.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { needs } from "../support/parts.js";
import { ROOT } from "../support/paths.js";
import { run } from "../support/run.js";

interface Line {
  readonly id: string;
  readonly ours: number | null;
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly goal: string;
  readonly holds: boolean | null;
}

/**
 * Runs a group once with small images, and without `go install` of a peer, which would take the
 * most time.
 */
async function bench(group: string, env: Readonly<Record<string, string>> = {}): Promise<readonly Line[]> {
  const folder = await mkdtemp(join(tmpdir(), "viola-bench-test-"));
  try {
    const file = join(folder, "bench.json");
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
    const options = ["--rounds", "1", "--scale", "0.02", "--json", file];
    const { code, stderr } = await run(
      process.execPath,
      ["--import", tsx, join(ROOT, "scripts/bench.ts"), group, ...options],
      { cwd: ROOT, env: { ...process.env, GOPROXY: "off", ...env } },
    );
    expect({ code, stderr: code > 1 ? stderr : "" }).toEqual({
      code: expect.toSatisfy((one) => one === 0 || one === 1) as number,
      stderr: "",
    });
    const { machine, lines } = JSON.parse(await readFile(file, "utf8")) as {
      machine: object;
      lines: readonly Line[];
    };
    expect(machine).toHaveProperty("cpus");
    return lines;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function expectBothSides(lines: readonly Line[], ids: readonly string[]): void {
  for (const id of ids) {
    const line = lines.find((one) => one.id === id);
    expect(line, id).toMatchObject({
      ours: expect.any(Number) as number,
      peer: expect.any(Number) as number,
      holds: expect.any(Boolean) as boolean,
    });
    // "at least" is how often ours goes into the peer's time, "at most" the other way round.
    const { ours = 1, peer = 1 } = line as { ours?: number; peer?: number };
    expect(line?.ratio).toBeCloseTo(line?.goal.startsWith("<") ? ours / peer : peer / ours, 5);
  }
}

const describeBuild = await needs("registries", "docker", "skopeo", "helm", "shared");

describeBuild("npm run bench -- build --json FILE", () => {
  it("prints a line for docker, skopeo, the processor time and the slow link, each with both sides", async () => {
    const lines = await bench("build");

    expectBothSides(lines, ["build/docker", "build/skopeo", "build/cpu", "build/cpu-tls", "build/link"]);
    // Crane cannot be built without a module proxy, and may be installed.
    expect(lines.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["build/floor", "build/floor-tls", "build/crane", "build/whole"]),
    );
  });
});

const describeLoad = await needs("registries", "nodes");

describeLoad("npm run bench -- load --json FILE", () => {
  it("prints a line for an empty node, a complete one, and three, each with both sides, and what it skips", async () => {
    const lines = await bench("load", { VIOLA_SHARED: "/nowhere" });

    expectBothSides(lines, ["load/first", "load/again", "load/three"]);
    expect(lines.find(({ id }) => id === "load/running")).toMatchObject({ ours: null, holds: null });
  });
});
