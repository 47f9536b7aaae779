// Puts a blob of a bundle into a containerd, as a load that was interrupted leaves it, and changes a
// containerd in the middle of a load.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { OpenBundle } from "../../src/workflows/ports.js";
import { mustRun, run } from "./run.js";

/** What makes containerd collect garbage and wait for the end of it, for `sh` with `$real` as ctr. */
export const COLLECT = `"$real" -n k8s.io leases create --id collect >/dev/null && "$real" -n k8s.io leases rm --sync collect >/dev/null`;

/** Puts the blob into the content store at the socket and keeps it by the label `containerd.io/gc.root`. `ctr` is the program. */
export async function leaveBlob(
  ctr: string,
  socket: string,
  bundle: OpenBundle,
  digest: string,
): Promise<void> {
  const blob = bundle.inventory.blobs.find((one) => one.digest === digest);
  const { offset = 0, size = 0 } = blob ?? {};
  const input = readFileSync(bundle.file).subarray(offset, offset + size);
  const address = ["--address", socket, "-n", "k8s.io", "content"];
  // Until it has its label the garbage collection may be quicker.
  for (let left = false; !left;) {
    await mustRun(ctr, [...address, "ingest", digest], { input });
    left = (await run(ctr, [...address, "label", digest, "containerd.io/gc.root=left"])).code === 0;
  }
}

/** Returns the ctr of a folder of programs, or the one on PATH. */
export function findCtr(programs: string | undefined): string {
  return programs === undefined
    ? execFileSync("which", ["ctr"], { encoding: "utf8" }).trim()
    : join(programs, "ctr");
}

/**
 * Returns a PATH with a ctr that runs a command before the first import. "$real" is the real ctr.
 * Its files are in `folder`.
 */
export function pathWithCtr(folder: string, programs: string | undefined, before: string): string {
  const wrapper = join(folder, "bin");
  mkdirSync(wrapper, { recursive: true });
  const script = `#!/bin/sh
real=${findCtr(programs)}
case "$*" in *"images import"*) [ -e ${folder}/done ] || { : >${folder}/done; ${before}; } ;; esac
exec "$real" "$@"
`;
  writeFileSync(join(wrapper, "ctr"), script, { mode: 0o755 });
  return [wrapper, programs, process.env["PATH"]].filter((part) => part !== undefined).join(delimiter);
}
