// Parts of a bundle: each is a file of its own, a header and a piece of the bundle, for media that are
// too small. The header is text, so that load.sh can read it.
import { ViolaError } from "../../errors.js";
import { digestOf, isSha256, type Digest } from "../oci/digest.js";
import { TAR_BLOCK } from "./tar-header.js";

/** Blocks of 512 bytes, so that content starts at one. */
export const PART_HEADER_BYTES = 1024;
const MAGIC = "viola-airgap-part 1\n";
export const MAX_PARTS = 999;

/** What the header of a part says. */
export interface PartHeader {
  /** Digest of `bundle.json`. */
  readonly bundle: Digest;
  /** Counts from 1. */
  readonly number: number;
  readonly count: number;
  /** Bytes of the bundle in each part but the last. */
  readonly pieceBytes: number;
  /** Size of the bundle. */
  readonly totalBytes: number;
  /** Digest of the bytes of the bundle in this part. */
  readonly content: Digest;
}

const HEADER =
  /^viola-airgap-part 1\nbundle (\S+)\npart (\d{1,3}) (\d{1,3})\nbytes (\d{1,16}) (\d{1,16})\ncontent (\S+)\n/;

/** Returns the header, with its own checksum, so that every byte of a part is checked. */
export function formatPartHeader(header: PartHeader): Buffer {
  const { bundle, number, count, pieceBytes, totalBytes, content } = header;
  const lines = [
    `bundle ${bundle}`,
    `part ${number} ${count}`,
    `bytes ${pieceBytes} ${totalBytes}`,
    `content ${content}`,
  ];
  const text = `${MAGIC}${lines.join("\n")}\n`;
  const bytes = Buffer.alloc(PART_HEADER_BYTES);
  bytes.write(`${text}header ${digestOf(text)}\n`);
  return bytes;
}

/** True if the bytes begin like a part. */
export function isPart(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, MAGIC.length)).toString("latin1") === MAGIC;
}

/** Parses a header. Throws `BUNDLE_INVALID` for anything that `formatPartHeader` does not write. */
export function parsePartHeader(bytes: Uint8Array, subject: string): PartHeader {
  const fields = HEADER.exec(Buffer.from(bytes).toString("latin1"));
  const [, bundle = "", number, count, pieceBytes, totalBytes, content = ""] = fields ?? [];
  if (isSha256(bundle) && isSha256(content)) {
    const header = {
      bundle,
      number: Number(number),
      count: Number(count),
      pieceBytes: Number(pieceBytes),
      totalBytes: Number(totalBytes),
      content,
    };
    const isPossible =
      header.pieceBytes > 0 &&
      header.pieceBytes % TAR_BLOCK === 0 &&
      header.count === Math.ceil(header.totalBytes / header.pieceBytes) &&
      header.number >= 1 &&
      header.number <= header.count;
    if (isPossible && formatPartHeader(header).equals(bytes)) return header;
  }
  throw new ViolaError("BUNDLE_INVALID", `${subject}: the header of this part is damaged`, {
    subject,
    hint: "Copy this part again.",
  });
}

/** The range of the bundle in a part. */
export interface PartRange {
  readonly number: number;
  /** From the start of the bundle. */
  readonly offset: number;
  readonly size: number;
}

/** Returns the range of a part. */
export function partRange(
  number: number,
  { pieceBytes, totalBytes }: Pick<PartHeader, "pieceBytes" | "totalBytes">,
): PartRange {
  const offset = (number - 1) * pieceBytes;
  return { number, offset, size: Math.min(pieceBytes, totalBytes - offset) };
}

/**
 * Divides a bundle into parts whose files are smaller than `maxBytes`: a FAT file system holds files
 * smaller than 4 GiB. Throws `USAGE` if there would be too many parts.
 */
export function planParts(
  totalBytes: number,
  maxBytes: number,
): { readonly pieceBytes: number; readonly ranges: readonly PartRange[] } {
  const pieceBytes = Math.floor((maxBytes - 1 - PART_HEADER_BYTES) / TAR_BLOCK) * TAR_BLOCK;
  const count = pieceBytes <= 0 ? Infinity : Math.ceil(totalBytes / pieceBytes);
  if (count > MAX_PARTS) {
    throw new ViolaError("USAGE", `a bundle of ${totalBytes} bytes would have more than ${MAX_PARTS} parts`, {
      subject: String(maxBytes),
      hint: `Choose parts of at least ${Math.ceil(totalBytes / MAX_PARTS / 1_000_000) + 1}MB.`,
    });
  }
  const ranges = Array.from({ length: count }, (_, index) =>
    partRange(index + 1, { pieceBytes, totalBytes }),
  );
  return { pieceBytes, ranges };
}

/** Returns the name of the file of a part: `app.bundle.001`. */
export function partPath(file: string, number: number): string {
  return `${file}.${String(number).padStart(3, "0")}`;
}

/**
 * Returns the name without the number of the part. Throws `BUNDLE_INVALID` if the number is not that
 * of the header.
 */
export function wholePath(file: string, { number }: Pick<PartHeader, "number">): string {
  const whole = file.replace(/\.\d{3}$/, "");
  if (whole !== file && partPath(whole, number) === file) return whole;
  throw new ViolaError(
    "BUNDLE_INVALID",
    `${file} is part ${number} of a bundle, but its name says otherwise`,
    {
      subject: file,
      hint: `Rename it so that it ends with .${String(number).padStart(3, "0")}, like the other parts.`,
    },
  );
}
