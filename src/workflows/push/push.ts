// Stores a bundle in a registry as one artifact: the pieces of its file that the registry lacks, then
// the manifest.
import {
  artifactManifest,
  divideFile,
  type BundleArtifact,
  type FileRange,
  type Piece,
} from "../../core/bundle/artifact.js";
import { INVENTORY_PATH } from "../../core/bundle/paths.js";
import { countOf } from "../../core/count-of.js";
import type { PushRegistry } from "../../core/load/push-registry.js";
import { TAR_BLOCK } from "../../core/bundle/tar-header.js";
import { OCI_MANIFEST } from "../../core/oci/descriptor.js";
import { digestFromHex, digestOf } from "../../core/oci/digest.js";
import { settleAll, ViolaError } from "../../errors.js";
import type { BundleReader, OpenBundle } from "../ports.js";
import type { Run } from "../progress.js";
import { verifyDuringQuery } from "../verify/require-intact.js";
import { sha256Of } from "../verify/verify.js";

/** Where the bundle is stored. */
export interface ArtifactPlace {
  /** Path of the repository in the registry. */
  readonly repository: string;
  readonly tag: string;
  /** Size of the pieces in bytes; see `PIECE_BYTES`. */
  readonly pieceBytes?: number;
}

/** The adapters that pushing works with. */
export interface PushPorts {
  readonly reader: Pick<BundleReader, "findDamagedBlobs">;
  readonly registry: PushRegistry;
  /** Limits how many requests to the registry run at once. */
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
}

export interface PushReport {
  readonly bundle: string;
  readonly repository: string;
  readonly tag: string;
  /** Digest of the manifest, by which the bundle can be pulled. */
  readonly digest: string;
  /** Size of the bundle in bytes. */
  readonly size: number;
  readonly pieces: number;
  /** Bytes that were sent; the rest was in the registry. */
  readonly sentBytes: number;
}

/**
 * Verifies the bundle and stores it under the tag. What the repository has is not sent again. Throws
 * `BUNDLE_INVALID` before anything is sent, and the errors of the registry.
 */
export async function pushArtifact(
  run: Run,
  bundle: OpenBundle,
  { repository, tag, pieceBytes }: ArtifactPlace,
  ports: PushPorts,
): Promise<PushReport> {
  const { signal } = run;
  const { registry } = ports;
  await verifyDuringQuery(run, bundle, () => registry.findManifest(repository, tag, signal), ports);
  const artifact = await hashPieces(run, bundle, divideFile(bundle.size, pieceBytes));
  const sentBytes = await sendPieces(run, { file: bundle.file, repository, artifact }, ports);
  const { inventory } = bundle;
  const bytes = artifactManifest(artifact, `${inventory.name}-${inventory.version}.bundle`);
  const manifest = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), bytes };
  const outcome = await registry.putManifest(repository, tag, manifest, signal);
  if (outcome.kind === "refused") {
    throw new ViolaError(
      "REGISTRY_ANSWER_INVALID",
      `${repository} rejected the manifest: ${outcome.answer}`,
      {
        subject: repository,
        hint: "The registry may not accept artifacts, or this tag may be immutable.",
      },
    );
  }
  return {
    bundle: bundle.file,
    repository,
    tag,
    digest: manifest.digest,
    size: artifact.size,
    pieces: artifact.pieces.length,
    sentBytes,
  };
}

async function hashPieces(
  { signal, progress }: Run,
  bundle: OpenBundle,
  ranges: readonly FileRange[],
): Promise<BundleArtifact> {
  const { size } = bundle;
  progress({ kind: "started", step: "hash", title: "Hashing the bundle", total: size, unit: "bytes" });
  const pieces: Piece[] = [];
  for (const range of ranges) {
    pieces.push({
      ...range,
      digest: digestFromHex(await sha256Of(bundle, { ...range, file: bundle.file }, signal)),
    });
    progress({ kind: "advanced", step: "hash", done: range.offset + range.size });
  }
  progress({ kind: "ended", step: "hash", summary: countOf(pieces.length, "piece") });
  return { config: { digest: bundle.digest, size: bundle.locate(INVENTORY_PATH).size }, pieces, size };
}

interface SentPieces {
  readonly file: string;
  readonly repository: string;
  readonly artifact: BundleArtifact;
}

/** Uploads `bundle.json` and the pieces that the repository lacks. Returns the bytes that were sent. */
async function sendPieces(
  { signal, progress }: Run,
  { file, repository, artifact: { config, pieces } }: SentPieces,
  { registry, limit }: PushPorts,
): Promise<number> {
  // bundle.json is the first entry of the file, after one header.
  const content = [{ ...config, offset: TAR_BLOCK }, ...pieces].map((blob) => ({ ...blob, file }));
  const isThere = await settleAll(
    "some content could not be queried",
    content.map(({ digest }) => limit(() => registry.hasBlob(repository, digest, signal))),
  );
  const missing = content.filter((_, index) => isThere[index] !== true);
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  progress({ kind: "started", step: "push", title: "Pushing the bundle", total, unit: "bytes" });
  let done = 0;
  const onSent = (bytes: number): void => {
    done += bytes;
    progress({ kind: "advanced", step: "push", done });
  };
  await settleAll(
    "some content could not be pushed; run the command again to send the rest",
    missing.map((blob) => limit(() => registry.uploadBlob(repository, blob, onSent, signal))),
  );
  progress({ kind: "ended", step: "push", summary: countOf(missing.length, "blob") });
  return total;
}
