// Runs a program with GNU time to measure its duration, processor time and peak memory.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cost } from "./lines.js";

/** Environment and working directory of the program; the defaults are those of the benchmark. */
export interface TimedOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Runs a program. Throws with its stderr when the exit code is not 0. */
export async function timed(
  program: string,
  args: readonly string[],
  options: TimedOptions = {},
): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), "viola-time-"));
  const report = join(folder, "cost");
  const started = performance.now();
  try {
    const child = spawn("time", ["-f", "%M %U %S", "-o", report, program, ...args], {
      cwd: options.cwd,
      env: { ...(options.env ?? process.env) },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
    const code = await new Promise<number | null>((resolve, reject) =>
      child.on("error", reject).on("close", resolve),
    );
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0) throw new Error(`${program} ${args.slice(0, 3).join(" ")} …: exit code ${code}: ${said}`);
    const [peakKiB = NaN, user = NaN, system = NaN] = readFileSync(report, "utf8").split(" ").map(Number);
    return { seconds, cpuSeconds: user + system, peakBytes: peakKiB * 1024 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs programs one after another, and returns their total cost. */
export async function timedSequence(commands: readonly (readonly [string, ...string[]])[]): Promise<Cost> {
  const costs: Cost[] = [];
  for (const [program, ...args] of commands) costs.push(await timed(program, args));
  return {
    seconds: costs.reduce((sum, cost) => sum + cost.seconds, 0),
    cpuSeconds: costs.reduce((sum, cost) => sum + cost.cpuSeconds, 0),
    peakBytes: Math.max(...costs.map((cost) => cost.peakBytes)),
  };
}
