// `npm run bench [-- GROUP…] [--json FILE] [--rounds N] [--scale S]`: compares this project with
// its peers on this machine.
// Groups: build, size, memory, resume, reuse, find, audit, load; the default is all groups.
// Runs under scripts/with-parts.sh, which starts the registries and the engine. `--scale 5.3` is
// about 8 GB. The exit code is 1 when a goal is missed.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { auditLines } from "./bench/audit.js";
import { buildLines, memoryLines, sizeLines } from "./bench/build.js";
import { findLines } from "./bench/find.js";
import { formatTable, type Line } from "./bench/lines.js";
import { loadLines } from "./bench/load.js";
import { runningLines } from "./bench/running.js";
import { resumeLines } from "./bench/resume.js";
import { reuseLines } from "./bench/reuse.js";
import { outputFolder, prepareStack, type Stack } from "./bench/stack.js";

const GROUPS: Readonly<Record<string, (stack: Stack, rounds: number) => AsyncIterable<Line>>> = {
  build: buildLines,
  size: sizeLines,
  memory: memoryLines,
  resume: resumeLines,
  reuse: reuseLines,
  find: findLines,
  audit: auditLines,
  load: (stack, rounds) => inTurn(loadLines(stack, rounds), runningLines(stack, rounds)),
};

async function* inTurn(...groups: readonly AsyncIterable<Line>[]): AsyncGenerator<Line> {
  for (const group of groups) yield* group;
}

/** Returns a description of the machine that the figures were measured on. */
function machine(): object {
  const folder = outputFolder();
  mkdirSync(folder, { recursive: true });
  const [, row = ""] = execFileSync("df", ["-PT", folder], { encoding: "utf8" }).split("\n");
  const [device = "", fileSystem = ""] = row.split(/\s+/);
  return {
    cpus: cpus().length,
    cpu: cpus()[0]?.model,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    output: `${fileSystem} on ${device}`,
    date: new Date().toISOString(),
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
  },
});
const names = positionals.length === 0 ? Object.keys(GROUPS) : positionals;
const unknown = names.filter((name) => GROUPS[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(
    `bench: unknown group ${unknown.join(", ")}; the groups are ${Object.keys(GROUPS).join(", ")}\n`,
  );
  process.exit(2);
}
const stack = await prepareStack(Number(values.scale));
const lines: Line[] = [];
for (const name of names) {
  for await (const line of GROUPS[name]?.(stack, Number(values.rounds)) ?? []) {
    process.stderr.write(`${formatTable([line]).split("\n")[1] ?? ""}\n`);
    lines.push(line);
  }
}
process.stdout.write(`${formatTable(lines)}\n`);
if (values.json !== undefined)
  writeFileSync(values.json, JSON.stringify({ machine: machine(), lines }, null, 2));
process.exitCode = lines.some(({ holds }) => holds === false) ? 1 : 0;
