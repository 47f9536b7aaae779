// Writes the file of a bundle that is in a registry as an artifact.
import type { FetchedArtifact } from "../../core/bundle/artifact.js";
import { TAR_BLOCK } from "../../core/bundle/tar-header.js";
import { formatReference } from "../../core/images/reference.js";
import { digestOf } from "../../core/oci/digest.js";
import { ViolaError } from "../../errors.js";
import type { Run } from "../../workflows/progress.js";
import { withPartialFile } from "./with-partial-file.js";
import { fillBlobs, type WriterPorts } from "./write-bundle.js";

/** What assembling a bundle works with. */
export interface AssemblePorts extends WriterPorts {
  /** Opens the file before it gets its name, and throws if it must not be used. */
  readonly check: (file: string) => Promise<unknown>;
}

/** See `PullPorts.assembleBundle`. */
export async function assembleBundle(
  run: Run,
  { reference, config, pieces, size }: FetchedArtifact,
  file: string,
  ports: AssemblePorts,
): Promise<number> {
  const { progress } = run;
  const image = formatReference(reference);
  const source = { kind: "registry", ...reference } as const;
  const plan = { size, blobs: pieces.map((piece) => ({ ...piece, image, sources: [source] })) };
  return withPartialFile(run, { plan, file }, ports, async (partial, fillPorts) => {
    const filling = { partial, reuse: [], files: new Map(), concurrency: ports.concurrency };
    const { fetchedBytes } = await fillBlobs(run, plan, filling, fillPorts);
    const digest = size < TAR_BLOCK + config.size ? "" : digestOf(await partial.read(TAR_BLOCK, config.size));
    if (digest !== config.digest) {
      throw new ViolaError("BUNDLE_INVALID", `${image} does not contain the bundle of its config`, {
        subject: image,
        hint: "Push the bundle again.",
      });
    }
    await ports.check(partial.path);
    progress({ kind: "started", step: "finish", title: "Writing to disk" });
    await partial.finish();
    progress({ kind: "ended", step: "finish" });
    return fetchedBytes;
  });
}
