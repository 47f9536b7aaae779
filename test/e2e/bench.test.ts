// The benchmark, small and once: that it measures every build line beside its peer. What it measures is for people to judge.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
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

const describeAll = await needs("registries", "docker", "skopeo");

describeAll("npm run bench -- build --json FILE", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "viola-bench-test-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("gives a line for docker, skopeo and the floor, each with both sides measured", async () => {
    const file = join(folder, "bench.json");
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
    const bench = join(ROOT, "scripts/bench.ts");
    const { code, stderr } = await run(
      process.execPath,
      ["--import", tsx, bench, "build", "--rounds", "1", "--scale", "0.02", "--json", file],
      { cwd: ROOT },
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
    for (const id of ["build/docker", "build/skopeo", "build/floor", "build/floor-tls"]) {
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
  });
});
