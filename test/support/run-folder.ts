// The records of a test run in its folder, for after-run.sh and for the last lines of the output.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Records the name of a cluster before it is created. */
export function noteCluster(cluster: string): void {
  note("clusters", cluster);
}

/** Records that tests of a file are skipped, and why. */
export function noteLeftOut(file: string, reason: string): void {
  note("left-out", `${file}\t${reason}`);
}

/** Returns the files with skipped tests by reason. */
export function leftOut(): ReadonlyMap<string, readonly string[]> {
  const file = join(runFolder(), "left-out");
  const lines = existsSync(file) ? new Set(readFileSync(file, "utf8").trimEnd().split("\n")) : [];
  const files = new Map<string, string[]>();
  for (const line of lines) {
    const [name = "", reason = ""] = line.split("\t");
    files.set(reason, [...(files.get(reason) ?? []), name]);
  }
  return files;
}

function note(name: string, line: string): void {
  appendFileSync(join(runFolder(), name), `${line}\n`);
}

function runFolder(): string {
  const folder = process.env["VIOLA_RUN"];
  if (folder === undefined) throw new Error("no VIOLA_RUN: vitest's global setup has not run");
  return folder;
}
