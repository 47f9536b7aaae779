// The group `find`: finding images in the viola stack and in all charts of the corpus, without the
// time of helm; and inspecting an operator.
import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { startEmbeddedRegistry } from "../parts/embedded-registry.js";
import { makeProgramImage, realProgram } from "../parts/program-image.js";
import { skipped, within, type Line } from "./lines.js";
import { withFolder, type Stack } from "./stack.js";
import { PROGRAM } from "./ours.js";
import { sharedFolder, type FindCost } from "./find-process.js";
import { timed } from "./timed.js";

const LIMIT_SECONDS = 1.5;
const LIMIT_MB = 400;
const INSPECT_LIMIT_SECONDS = 3;

/**
 * Measures the seconds from the output of helm to the list of images. Each round runs in a new
 * process.
 */
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
    // Only the viola stack has a goal; the corpus is shown for comparison.
    yield work === "viola" ? line : { ...line, goal: "none", holds: null };
    if (work === "viola") {
      yield {
        id: "find/viola-memory",
        unit: "MB",
        ours: peak,
        peer: null,
        ratio: null,
        goal: `< ${LIMIT_MB} MB`,
        holds: peak < LIMIT_MB,
        note: `peak of ${rounds} rounds, including the TypeScript loader`,
      };
    }
  }
  yield* inspectLines(rounds);
}

/**
 * Measures the seconds of the complete command, including helm, when it inspects an unknown
 * operator of 60 MB.
 */
async function* inspectLines(rounds: number): AsyncGenerator<Line> {
  const id = "find/inspect";
  if (!existsSync(join(sharedFolder(), "kube/programs.tar.xz"))) {
    yield skipped(id, `< ${INSPECT_LIMIT_SECONDS} s`, "no folder ../shared (or VIOLA_SHARED) with programs");
    return;
  }
  const name = "registry.example/acme/unknown-operator";
  const program = realProgram(sharedFolder(), "operator");
  const seconds = await withFolder(async (folder) => {
    const registry = await startEmbeddedRegistry();
    try {
      registry.addImage(folder, await makeProgramImage(folder, "bin/operator", program), name, "1.0");
      const config = join(folder, "settings.yaml");
      writeFileSync(config, `mirrors: { "*": { endpoints: ["${registry.url}/{registry}"], only: true } }\n`);
      const chart = resolve(import.meta.dirname, "../../test/fixtures/charts/unknown-operator");
      const command = [PROGRAM, "images", chart, "--inspect-operators", "--json", "--config", config];
      const all: number[] = [];
      for (let round = 0; round < rounds; round++) all.push((await timed(process.execPath, command)).seconds);
      return all;
    } finally {
      await registry.close();
    }
  });
  const note = `the complete command; program of ${(program.length / 1e6).toFixed(0)} MB`;
  yield within(id, INSPECT_LIMIT_SECONDS, seconds, note);
}

async function findOnce(work: "viola" | "corpus"): Promise<FindCost> {
  const script = resolve(import.meta.dirname, "find-process.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script, work]);
  return JSON.parse(stdout) as FindCost;
}
