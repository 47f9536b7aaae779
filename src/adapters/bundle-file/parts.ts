// Finds the parts of a bundle, and checks them.
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import {
  isPart,
  parsePartHeader,
  PART_HEADER_BYTES,
  partPath,
  partRange,
  wholePath,
  type PartHeader,
  type PartRange,
} from "../../core/bundle/parts.js";
import { countOf } from "../../core/count-of.js";
import { digestFromHex } from "../../core/oci/digest.js";
import { isSystemError, oneOrMany, systemErrorCode, ViolaError } from "../../errors.js";
import type { BundlePart } from "../../workflows/ports.js";
import { readRange } from "../files/read-range.js";

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
export async function readHeader(file: string): Promise<Uint8Array> {
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

/** The error of a part whose content is wrong. */
export function damagedPart(file: string): ViolaError {
  return new ViolaError("BUNDLE_INVALID", `${file} is damaged`, { subject: file, hint: COPY_AGAIN });
}
