// Divides a bundle into parts.
import { open, rename, rm, stat } from "node:fs/promises";
import {
  formatPartHeader,
  isPart,
  PART_HEADER_BYTES,
  partPath,
  planParts,
  type PartRange,
} from "../../core/bundle/parts.js";
import { countOf } from "../../core/count-of.js";
import type { Digest } from "../../core/oci/digest.js";
import { isSystemError, systemErrorCode, ViolaError } from "../../errors.js";
import type { BundlePart } from "../../workflows/ports.js";
import type { Run } from "../../workflows/progress.js";
import { requireSpace } from "../files/free-space.js";
import { SourceFile } from "../files/source-file.js";
import { copyRange, modeOf, writeAll } from "./copy-range.js";
import { readHeader } from "./parts.js";

/** What is divided, and into what. */
export interface SplitInput {
  /** The bundle, and the digest of its `bundle.json`. */
  readonly file: string;
  readonly bundle: Digest;
  /** The path of the parts without their number. */
  readonly target: string;
  /** Each part is smaller than this. */
  readonly maxBytes: number;
  /** True if the bundle is removed when all parts are written. */
  readonly isReplaced?: boolean;
}

/**
 * Writes the parts of a bundle next to each other, `TARGET.001`, …. Each gets its name when it is
 * complete and synced. Removes what it has written after a failure. Throws `USAGE` for too many
 * parts, and `FILE_UNUSABLE`.
 */
export async function writeParts(
  { signal, progress }: Run,
  { file, bundle, target, maxBytes, isReplaced = false }: SplitInput,
): Promise<readonly BundlePart[]> {
  const source = new SourceFile(file);
  const written: BundlePart[] = [];
  try {
    const totalBytes = source.size;
    const mode = await modeOf(file);
    const { pieceBytes, ranges } = planParts(totalBytes, maxBytes);
    let replacedBytes = 0;
    for (const { number } of ranges) replacedBytes += await sizeOfPart(partPath(target, number));
    await requireSpace(target, totalBytes - replacedBytes);
    progress({ kind: "started", step: "split", title: "Writing parts", total: totalBytes, unit: "bytes" });
    for (const range of ranges) {
      const path = partPath(target, range.number);
      const content = await writePart(`${path}.partial`, source, range, {
        signal,
        mode,
        header: (digest) =>
          formatPartHeader({
            bundle,
            number: range.number,
            count: ranges.length,
            pieceBytes,
            totalBytes,
            content: digest,
          }),
        onWritten: (done) => {
          progress({ kind: "advanced", step: "split", done: range.offset + done });
        },
      });
      await rename(`${path}.partial`, path);
      written.push({ ...range, file: path, content });
    }
    if (isReplaced) await rm(file);
    progress({ kind: "ended", step: "split", summary: countOf(written.length, "part") });
    return written;
  } catch (cause) {
    for (const { file: path } of written) await rm(path, { force: true });
    signal.throwIfAborted();
    if (cause instanceof ViolaError) throw cause;
    throw new ViolaError(
      "FILE_UNUSABLE",
      `${target} cannot be written in parts (${systemErrorCode(cause)})`,
      {
        subject: target,
        cause,
      },
    );
  } finally {
    source.close();
  }
}

interface PartWriter {
  readonly signal: AbortSignal;
  readonly mode: number;
  readonly header: (content: Digest) => Uint8Array;
  /** Gets the bytes of the part that are written. */
  readonly onWritten: (done: number) => void;
}

/** Returns the digest of the content. Removes the file after a failure. */
async function writePart(
  path: string,
  source: SourceFile,
  { offset, size }: PartRange,
  { signal, mode, header, onWritten }: PartWriter,
): Promise<Digest> {
  await rm(path, { force: true });
  const handle = await open(path, "wx", mode);
  try {
    const to = { handle, position: PART_HEADER_BYTES };
    const { copied, content } = await copyRange(source, { offset, size }, to, {
      signal,
      onCopied: onWritten,
    });
    if (copied < size) throw new ViolaError("BUNDLE_INVALID", "the bundle was truncated while it was read");
    await writeAll(handle, header(content), 0);
    await handle.sync();
    await handle.close();
    return content;
  } catch (cause) {
    await handle.close();
    await rm(path, { force: true });
    throw cause;
  }
}

/** Returns the size of an earlier part, or 0. Throws `FILE_UNUSABLE` for any other file. */
async function sizeOfPart(path: string): Promise<number> {
  try {
    if (isPart(await readHeader(path))) return (await stat(path)).size;
  } catch (cause) {
    if (isSystemError(cause, "ENOENT")) return 0;
    throw cause;
  }
  throw new ViolaError("FILE_UNUSABLE", `${path} exists and is not a part of a bundle`, {
    subject: path,
    hint: "Choose another name with --output.",
  });
}
