// What a test run notes about itself, for scripts/parts/after-run.sh to take away when the run is killed.
import { appendFileSync } from "node:fs";
import { join } from "node:path";

/** Notes the name of a cluster before it is made. */
export function noteCluster(cluster: string): void {
  const folder = process.env["VIOLA_RUN"];
  if (folder === undefined) throw new Error("no VIOLA_RUN: vitest's global setup has not run");
  appendFileSync(join(folder, "clusters"), `${cluster}\n`);
}
