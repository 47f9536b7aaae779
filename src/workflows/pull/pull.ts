// Fetches a bundle that was pushed to a registry, byte for byte.
import { parseArtifact, type FetchedArtifact } from "../../core/bundle/artifact.js";
import type { Reference } from "../../core/images/reference.js";
import type { ImageIndex, ImageManifest } from "../../core/oci/manifest.js";
import type { BundleReader, OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";

/** The adapters that pulling works with. */
export interface PullPorts {
  readonly reader: Pick<BundleReader, "openBundle">;
  /** Fetches the manifest of a reference with a tag or digest. Throws the errors of all places. */
  readonly fetchManifest: (
    reference: Reference,
    signal: AbortSignal,
  ) => Promise<{ readonly digest: string; readonly content: ImageIndex | ImageManifest }>;
  /**
   * Writes the file of an artifact, which gets its name when it is complete. A write that was
   * killed is resumed. Returns the number of bytes that were fetched. Throws the failures of all
   * pieces, `BUNDLE_INVALID` if they are not the bundle of the config, or `FILE_UNUSABLE`.
   */
  readonly assembleBundle: (run: Run, artifact: FetchedArtifact, file: string) => Promise<number>;
}

export interface PullReport {
  readonly file: string;
  readonly reference: string;
  /** Digest of the manifest. */
  readonly digest: string;
  readonly bundle: Pick<OpenBundle, "digest" | "size"> & { readonly name: string; readonly version: string };
  readonly fetchedBytes: number;
}

/** Fetches the bundle to `file`, an absolute path. Throws `BUNDLE_UNSUPPORTED` for other content. */
export async function pullArtifact(
  run: Run,
  { text, reference }: { readonly text: string; readonly reference: Reference },
  file: string,
  { reader, fetchManifest, assembleBundle }: PullPorts,
): Promise<PullReport> {
  const { digest, content } = await fetchManifest(reference, run.signal);
  const artifact = parseArtifact(content, text);
  const fetchedBytes = await assembleBundle(run, { ...artifact, reference }, file);
  const bundle = await reader.openBundle(file);
  const { name, version } = bundle.inventory;
  return {
    file,
    reference: text,
    digest,
    bundle: { digest: bundle.digest, size: bundle.size, name, version },
    fetchedBytes,
  };
}
