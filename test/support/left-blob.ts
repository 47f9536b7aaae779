// Puts a blob of a bundle into a containerd, as a load that was interrupted leaves it.
import { readFileSync } from "node:fs";
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
