// The group `find`: finding images in the viola stack and in all charts of the corpus, helm's own time taken off.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { skipped, within, type Line } from "./lines.js";
import type { Stack } from "./stack.js";
import { sharedFolder, type FindCost } from "./find-process.js";

const LIMIT_SECONDS = 1.5;

/** Seconds from the text that helm rendered to the list of images, in a process of its own each round. */
export async function* findLines(_stack: Stack, rounds: number): AsyncGenerator<Line> {
  for (const work of ["viola", "corpus"] as const) {
    const id = `find/${work}`;
    if (!existsSync(join(sharedFolder(), work === "viola" ? "chart-repos" : "corpus"))) {
      yield skipped(id, `< ${LIMIT_SECONDS} s`, "no folder ../shared (or VIOLA_SHARED) with charts");
      continue;
    }
    const costs: FindCost[] = [];
    for (let round = 0; round < rounds; round++) costs.push(await findOnce(work));
    const [first] = costs;
    const peak = Math.max(...costs.map(({ peakBytes }) => peakBytes)) / 1e6;
    const note = `${first?.images ?? 0} images in ${((first?.renderedBytes ?? 0) / 1e6).toFixed(1)} MB; peak ${peak.toFixed(0)} MB`;
    const seconds = costs.map((cost) => cost.seconds);
    const line = within(id, LIMIT_SECONDS, seconds, note);
    // The goal is that of the viola stack; the corpus stands beside it.
    yield work === "viola" ? line : { ...line, goal: "none", holds: null };
  }
}

async function findOnce(work: "viola" | "corpus"): Promise<FindCost> {
  const script = resolve(import.meta.dirname, "find-process.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script, work]);
  return JSON.parse(stdout) as FindCost;
}
