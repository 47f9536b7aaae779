// Checks, writes and joins the parts of a bundle.
import { createHash } from "node:crypto";
import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import {
  formatPartHeader,
  isPart,
  parsePartHeader,
  PART_HEADER_BYTES,
  partPath,
  partRange,
  planParts,
  wholePath,
  type PartHeader,
  type PartRange,
} from "../../core/bundle/parts.js";
import { countOf } from "../../core/count-of.js";
import { digestFromHex, type Digest } from "../../core/oci/digest.js";
import { isSystemError, oneOrMany, systemErrorCode, ViolaError } from "../../errors.js";
import type { Run } from "../../workflows/progress.js";
import type { BundlePart } from "../../workflows/ports.js";
import { readRange } from "../files/read-range.js";
import { SourceFile } from "../files/source-file.js";

const CHUNK_BYTES = 1024 * 1024;
const COPY_AGAIN = "Copy this part again.";

/**
 * Returns all parts of the bundle, or undefined if the file is not a part. Throws `BUNDLE_INVALID`
 * for each part that is missing, of another bundle, or of a wrong size.
 */
export async function findParts(file: string): Promise<readonly BundlePart[] | undefined> {
  const start = await readHeader(file);
  if (!isPart(start)) return undefined;
  const first = parsePartHeader(start, file);
  const whole = wholePath(file, first);
  const errors: ViolaError[] = [];
  const parts: BundlePart[] = [];
  for (let number = 1; number <= first.count; number++) {
    const path = partPath(whole, number);
    try {
      parts.push(await readPart(path, partRange(number, first), first));
    } catch (cause) {
      if (!(cause instanceof ViolaError)) throw cause;
      errors.push(cause);
    }
  }
  if (errors.length > 0) throw oneOrMany(`some parts of ${whole} cannot be used`, errors);
  return parts;
}

async function readPart(path: string, range: PartRange, first: PartHeader): Promise<BundlePart> {
  const invalid = (what: string, hint = COPY_AGAIN): ViolaError =>
    new ViolaError("BUNDLE_INVALID", `${path} ${what}`, { subject: path, hint });
  let size: number;
  let start: Uint8Array;
  try {
    size = (await stat(path)).size;
    start = await readHeader(path);
  } catch (cause) {
    if (!isSystemError(cause, "ENOENT")) throw invalid(`cannot be read (${systemErrorCode(cause)})`);
    const hint = "Copy it into the same folder.";
    throw invalid(`is missing: it is part ${range.number} of ${first.count}`, hint);
  }
  if (!isPart(start)) throw invalid("is not a part of a bundle");
  const header = parsePartHeader(start, path);
  if (header.number !== range.number)
    throw invalid(`is part ${header.number} of ${header.count}, but has the name of part ${range.number}`);
  const isOfFirst =
    header.bundle === first.bundle &&
    header.pieceBytes === first.pieceBytes &&
    header.totalBytes === first.totalBytes;
  if (!isOfFirst) throw invalid("is a part of another bundle");
  if (size !== PART_HEADER_BYTES + range.size)
    throw invalid(`has ${countOf(size, "byte")}, but should have ${PART_HEADER_BYTES + range.size}`);
  return { ...range, file: path, content: header.content };
}

/** Returns the first bytes of the file itself, not of the bundle that it is a part of. */
async function readHeader(file: string): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    return await readRange(handle, 0, PART_HEADER_BYTES);
  } finally {
    await handle.close();
  }
}

/** Hashes the parts and returns those whose content is not that of their header. */
export async function findDamagedParts(
  parts: readonly BundlePart[],
  signal: AbortSignal,
): Promise<readonly BundlePart[]> {
  const damaged: BundlePart[] = [];
  for (const part of parts) {
    const handle = await open(part.file, "r");
    try {
      const hash = createHash("sha256");
      for (let done = 0; done < part.size;) {
        signal.throwIfAborted();
        const bytes = await readRange(
          handle,
          PART_HEADER_BYTES + done,
          Math.min(CHUNK_BYTES, part.size - done),
        );
        if (bytes.length === 0) break;
        hash.update(bytes);
        done += bytes.length;
      }
      if (digestFromHex(hash.digest("hex")) !== part.content) damaged.push(part);
    } finally {
      await handle.close();
    }
  }
  return damaged;
}

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
    for (const { number } of ranges) await refuseOther(partPath(target, number));
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

/** Throws `FILE_UNUSABLE` for a file that is not a part of a bundle. */
async function refuseOther(path: string): Promise<void> {
  const start = await readHeader(path).catch((cause: unknown) => {
    if (isSystemError(cause, "ENOENT")) return undefined;
    throw cause;
  });
  if (start === undefined || isPart(start)) return;
  throw new ViolaError("FILE_UNUSABLE", `${path} exists and is not a part of a bundle`, {
    subject: path,
    hint: "Choose another name with --output.",
  });
}

/**
 * Writes the bundle of the parts to one file, which gets its name when it is complete. Checks the
 * digest of every part. Throws `BUNDLE_INVALID` for all damaged parts at once, and `FILE_UNUSABLE`.
 */
export async function joinParts(
  { signal, progress }: Run,
  parts: readonly BundlePart[],
  target: string,
): Promise<void> {
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  progress({ kind: "started", step: "join", title: "Joining parts", total, unit: "bytes" });
  const partial = `${target}.partial`;
  const damaged: ViolaError[] = [];
  try {
    await rm(partial, { force: true });
    const handle = await open(partial, "wx", await modeOf(parts[0]?.file ?? target));
    try {
      for (const { file, offset, size, content } of parts) {
        const to = { handle, position: offset };
        const onCopied = (copied: number): void => {
          progress({ kind: "advanced", step: "join", done: offset + copied });
        };
        const source = new SourceFile(file);
        const copying = copyRange(source, { offset, size }, to, { signal, onCopied });
        const actual = await copying.finally(() => {
          source.close();
        });
        if (actual.content !== content) damaged.push(damagedPart(file));
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (damaged.length > 0) throw oneOrMany("some parts are damaged", damaged);
    await rename(partial, target);
  } catch (cause) {
    await rm(partial, { force: true });
    signal.throwIfAborted();
    if (cause instanceof ViolaError) throw cause;
    throw new ViolaError("FILE_UNUSABLE", `${target} cannot be written (${systemErrorCode(cause)})`, {
      subject: target,
      cause,
    });
  }
  progress({ kind: "ended", step: "join", summary: countOf(parts.length, "part") });
}

/** A bundle with values is not readable for everybody, and neither is what is made from it. */
async function modeOf(file: string): Promise<number> {
  return (await stat(file)).mode & 0o777;
}

/** The error of a part whose content is wrong. */
export function damagedPart(file: string): ViolaError {
  return new ViolaError("BUNDLE_INVALID", `${file} is damaged`, { subject: file, hint: COPY_AGAIN });
}

/**
 * Copies a range of the source to the position of a file, and returns the digest of what was copied:
 * less than the range only where the source ends. `onCopied` gets the bytes copied so far.
 */
async function copyRange(
  source: SourceFile,
  { offset, size }: Pick<PartRange, "offset" | "size">,
  { handle, position }: { readonly handle: FileHandle; readonly position: number },
  { signal, onCopied }: { readonly signal: AbortSignal; readonly onCopied: (copied: number) => void },
): Promise<{ readonly copied: number; readonly content: Digest }> {
  const hash = createHash("sha256");
  let copied = 0;
  while (copied < size) {
    signal.throwIfAborted();
    const bytes = await readRange(source, offset + copied, Math.min(CHUNK_BYTES, size - copied));
    if (bytes.length === 0) break;
    hash.update(bytes);
    await writeAll(handle, bytes, position + copied);
    copied += bytes.length;
    onCopied(copied);
  }
  return { copied, content: digestFromHex(hash.digest("hex")) };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}
